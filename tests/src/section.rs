//! Parts of documents that are made by programs, between markers: `<!-- name: begin (how) -->` and `<!-- name: end -->`.

use anyhow::{Context as _, Result};

/// `content` with this text as the part of this name.
pub fn replaced(content: &str, name: &str, text: &str) -> Result<String> {
    let begin = content.find(&format!("<!-- {name}: begin"));
    let begin = begin.with_context(|| format!("no place for {name}"))?;
    let length = content[begin..].find("-->\n").with_context(|| format!("no end of the marker of {name}"))?;
    let begin = begin + length + "-->\n".len();
    let end = content[begin..].find(&format!("<!-- {name}: end"));
    let end = begin + end.with_context(|| format!("no end of {name}"))?;
    Ok(format!("{}\n{text}\n\n{}", &content[..begin], &content[end..]))
}
