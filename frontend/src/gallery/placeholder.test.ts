import { expect, it } from "vitest";
import { placeholder, remembering } from "./placeholder";

it("a ThumbHash becomes a small PNG of about the photo's shape", () => {
  const url = placeholder("3OcRJYB4d3h/iIeHeEh3eIhw+j2w");
  const bytes = atob(url.replace("data:image/png;base64,", ""));
  expect(bytes.slice(1, 4)).toBe("PNG");
  const [width, height] = [bytes.charCodeAt(19), bytes.charCodeAt(23)];
  expect([width, height]).toEqual([32, 23]);
});

it("remembers the answers used last, and no more than it may", () => {
  const asked: string[] = [];
  const shout = remembering((word) => {
    asked.push(word);
    return word.toUpperCase();
  }, 2);
  expect(["a", "b", "a", "c", "a", "b"].map(shout).join("")).toBe("ABACAB");
  // "b" went when "c" came, because "a" had been used since.
  expect(asked.join("")).toBe("abcb");
});

it("remembers an answer that is nothing, too", () => {
  let count = 0;
  const nothing = remembering(() => {
    count += 1;
    return undefined;
  }, 2);
  nothing("a");
  nothing("a");
  expect(count).toBe(1);
});
