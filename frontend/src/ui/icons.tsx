/** Line icons of one weight. Decorative: the button around them carries the name. */

const PATHS = {
  plus: "M12 5v14M5 12h14",
  trash: "M4 7h16M9.5 7V4.5h5V7M6.5 7l.8 12.5h9.4L17.5 7M10 11v5M14 11v5",
  close: "M6 6l12 12M18 6L6 18",
  retry: "M19.5 12a7.5 7.5 0 1 1-2.2-5.3M19.5 4v4h-4",
  image: "M4 5.5h16v13H4zM4 16l4.5-4.5 3.5 3.5 3-3.5 5 5M9 9.2a.6.6 0 1 1-.01 0",
} as const;

export function Icon({ name }: { name: keyof typeof PATHS }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
