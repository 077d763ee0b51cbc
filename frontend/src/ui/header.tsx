/** Title, how many photos, and the one button. */
import { strings } from "../strings";
import { AddButton } from "./add-button";

interface HeaderProps {
  title: string;
  count: string;
  onFiles: ((files: File[]) => void) | undefined;
}

export function Header({ title, count, onFiles }: HeaderProps) {
  return (
    <header class="header">
      <a class="skip" href="#photos">
        {strings.skipToPhotos}
      </a>
      <div class="header-words">
        <h1>{title}</h1>
        <p class="count">{count}</p>
      </div>
      {onFiles !== undefined && <AddButton onFiles={onFiles} />}
    </header>
  );
}
