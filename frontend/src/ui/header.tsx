/** Title, how many photos, and the one button. */
import { strings } from "../strings";
import { AddButton } from "./add-button";

interface HeaderProps {
  title: string;
  count: string;
  accept: readonly string[];
  /** Absent while there is nothing to add to, or while the page's middle has the button. */
  onFiles: ((files: File[]) => void) | undefined;
}

export function Header({ title, count, accept, onFiles }: HeaderProps) {
  return (
    <header class="header">
      <a class="skip" href="#photos">
        {strings.skipToPhotos}
      </a>
      <div class="header-words">
        <h1>{title}</h1>
        <p class="count">{count}</p>
      </div>
      {onFiles !== undefined && <AddButton accept={accept} onFiles={onFiles} />}
    </header>
  );
}
