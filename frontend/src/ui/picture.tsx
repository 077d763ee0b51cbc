/** A photo's picture in its tile, over its local preview if there is one, with the ways out when it will not load. */
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { ThumbnailLimit } from "../api/types";
import { hasOldLinks, type LibraryPhoto } from "../gallery/library";
import { afterFailure, firstPicture } from "../gallery/picture";
import { placeholder } from "../gallery/placeholder";
import { srcset } from "../gallery/sources";
import { strings } from "../strings";
import { useListener } from "./hooks";
import { Icon } from "./icons";

interface PictureProps {
  photo: LibraryPhoto;
  previewUrl: string | undefined;
  thumbnail: ThumbnailLimit;
  /** How wide the picture is in its tile, in CSS pixels. */
  width: number;
  isEager: boolean;
  renew: (photo: LibraryPhoto) => Promise<void>;
}

/** What an `<img>` loads. */
interface Loading {
  src: string;
  srcset: string | undefined;
}

const loading = (src: string | undefined, set: string | false | undefined): Loading | undefined =>
  src === undefined ? undefined : { src, srcset: set || undefined };

export function Picture({ photo, previewUrl, thumbnail, width, isEager, renew }: PictureProps) {
  const [state, setState] = useState(() => firstPicture(photo));
  // What has loaded stays, whatever newer links say: they lead to the same picture.
  const [loaded, setLoaded] = useState<Loading | undefined>(undefined);
  const isThere = useRef(true);
  useEffect(
    () => () => {
      isThere.current = false;
    },
    [],
  );
  useListener(window, "online", () => {
    if (state.source === "none") setState(firstPicture(photo));
  });

  // New links, asked for by this picture or by a neighbour on the same page: back to the small one first.
  const linkedAt = useRef(photo.linkedAt);
  useLayoutEffect(() => {
    if (linkedAt.current === photo.linkedAt) return;
    linkedAt.current = photo.linkedAt;
    if (loaded === undefined) setState(firstPicture(photo, true));
  }, [photo, loaded]);

  const fail = async () => {
    setLoaded(undefined);
    const { next, renew: mustRenew } = afterFailure(state, photo, hasOldLinks(photo, Date.now()));
    if (mustRenew) await renew(photo);
    if (isThere.current) setState(next);
  };
  const links = { best: photo.thumbnailUrl, thumbnail: photo.thumbnailUrl, full: photo.url, none: undefined };
  const source = loaded ?? loading(links[state.source], state.source === "best" && srcset(photo, thumbnail));
  return (
    <>
      {previewUrl !== undefined && <img class="picture preview" src={previewUrl} alt="" draggable={false} />}
      {source !== undefined && previewUrl === undefined && (
        <Placeholder photo={photo} isCovered={loaded !== undefined} />
      )}
      {source !== undefined && (
        <img
          // A new link is a new picture: without a new element, an error already shown would not be tried again.
          key={`${state.source}-${state.renewed}-${source.src}`}
          class={loaded === undefined ? "picture photo" : "picture photo loaded"}
          sizes={source.srcset && `${width}px`}
          srcset={source.srcset}
          src={source.src}
          alt=""
          decoding="async"
          loading={isEager ? "eager" : "lazy"}
          draggable={false}
          data-source={state.source}
          onLoad={() => {
            setLoaded(source);
            if (state.renewed) setState({ ...state, renewed: false });
          }}
          onError={() => void fail()}
        />
      )}
      {source === undefined && previewUrl === undefined && (
        <span class="placeholder" title={strings.cannotShow}>
          <Icon name="image" />
        </span>
      )}
    </>
  );
}

/** The photo's colours, until the picture has faded in over them. Photos made before there were any show the tile's grey. */
function Placeholder({ photo, isCovered }: { photo: LibraryPhoto; isCovered: boolean }) {
  const { thumbhash, dominantColor } = photo;
  if (thumbhash === undefined && dominantColor === undefined) return null;
  return (
    <span
      class={isCovered ? "picture colours covered" : "picture colours"}
      style={{
        backgroundColor: dominantColor,
        backgroundImage: thumbhash && `url(${placeholder(thumbhash)})`,
      }}
    />
  );
}
