/**
 * A photo's ThumbHash as a picture. Making one takes a quarter of a millisecond and gives some 4 KB of text, so it is
 * done for tiles that are in the page, and the ones used last are kept.
 */
import { thumbHashToDataURL } from "thumbhash";

/** Some three windows full of tiles. */
const KEPT = 300;

/** The same function, remembering the answers to the so many questions asked last. */
export function remembering<Answer>(make: (question: string) => Answer, kept: number) {
  // A Map keeps the order in which its keys came.
  const answers = new Map<string, Answer>();
  return (question: string): Answer => {
    const answer = answers.has(question) ? (answers.get(question) as Answer) : make(question);
    answers.delete(question);
    answers.set(question, answer);
    const oldest = answers.keys().next();
    if (answers.size > kept && !oldest.done) answers.delete(oldest.value);
    return answer;
  };
}

/** A `data:` address. The argument is base64, as `api/parse.ts` lets through. */
export const placeholder = remembering(
  (thumbhash) => thumbHashToDataURL(Uint8Array.from(atob(thumbhash), (character) => character.charCodeAt(0))),
  KEPT,
);
