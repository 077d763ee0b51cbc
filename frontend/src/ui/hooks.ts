/** The few hooks the page needs. */
import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useReducer, useRef, useState } from "preact/hooks";
import type { Store } from "../gallery/store";

export function useStore<T extends object>(store: Store<T>): T {
  const [, redraw] = useReducer((count: number, _: undefined) => count + 1, 0);
  useLayoutEffect(() => store.subscribe(() => redraw(undefined)), [store]);
  return store.value;
}

/** Listens while the component is there; always calls the latest listener. */
export function useListener<E extends Event>(
  target: EventTarget,
  type: string,
  listener: (event: E) => void,
): void {
  const latest = useRef(listener);
  latest.current = listener;
  useEffect(() => {
    const listen = (event: Event) => latest.current(event as E);
    target.addEventListener(type, listen);
    return () => target.removeEventListener(type, listen);
  }, [target, type]);
}

/** The element's width in whole pixels; 0 before the first look. */
export function useWidth(element: RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const current = element.current;
    if (current === null) return undefined;
    const measure = () => setWidth(Math.floor(current.getBoundingClientRect().width));
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(current);
    return () => observer.disconnect();
  }, [element]);
  return width;
}
