"""The page's style: one column that reads well on a screen and on paper, without any file."""

from __future__ import annotations

from typing import Final

STYLE: Final = """
:root {
  --ink: #1b2430; --soft: #55606e; --line: #d5dbe3; --ground: #ffffff; --tint: #f3f6f9;
  --accent: #0b5c7a; --warn: #8a4b00; --warn-tint: #fff6e5;
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0 auto; padding: 2rem 1.25rem 3rem; max-width: 56rem; color: var(--ink);
  background: var(--ground); line-height: 1.6; overflow-wrap: break-word;
  font-family: system-ui, "Segoe UI", "Hiragino Sans", "Noto Sans CJK JP", "Noto Sans JP",
    "Yu Gothic UI", Meiryo, sans-serif;
}
code { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "Noto Sans Mono CJK JP", monospace; }
header { border-bottom: 3px solid var(--accent); padding-bottom: 1.25rem; }
.kind { margin: 0; color: var(--accent); font-weight: 600; letter-spacing: 0.04em; }
h1 { margin: 0.25rem 0 0.75rem; font-size: 1.75rem; line-height: 1.3; }
h2 {
  margin: 2.25rem 0 0.75rem; padding-bottom: 0.3rem; font-size: 1.2rem; line-height: 1.35;
  border-bottom: 1px solid var(--line); color: var(--accent);
}
.ref { margin: 0 0 0.5rem; }
.badge {
  display: inline-block; margin-left: 0.5rem; padding: 0.05rem 0.7rem; border-radius: 1rem;
  border: 1px solid currentColor; font-size: 0.9rem; color: var(--warn);
  background: var(--warn-tint);
}
.badge.cleared { color: var(--accent); background: var(--tint); }
.means { margin: 0 0 1rem; color: var(--soft); }
nav ol {
  margin: 0; padding: 0.75rem 1rem 0.75rem 2.4rem; columns: 2; column-gap: 2.5rem;
  background: var(--tint); border-radius: 0.5rem; font-size: 0.92rem;
}
nav li { margin: 0; padding: 0.15rem 0; break-inside: avoid; }
nav a { color: var(--accent); }
h1, p, dd, td, th, li { white-space: pre-line; }
dl { display: grid; grid-template-columns: minmax(8rem, 14rem) 1fr; margin: 0.75rem 0; }
dt, dd { padding: 0.4rem 0; border-bottom: 1px solid var(--line); }
dt { padding-right: 1rem; color: var(--soft); font-weight: 600; }
dd { margin: 0; overflow-wrap: anywhere; }
li { margin: 0.3rem 0; }
.notice {
  margin: 1rem 0; padding: 0.7rem 1rem; border-left: 4px solid var(--warn);
  background: var(--warn-tint);
}
.remark { color: var(--soft); font-size: 0.9em; }
.wide { overflow-x: auto; margin: 0.75rem 0; }
.wide:focus-visible, nav a:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
table { width: 100%; border-collapse: collapse; font-size: 0.94rem; }
caption { padding: 0.3rem 0; text-align: left; font-weight: 600; color: var(--soft); }
th, td { padding: 0.4rem 0.75rem 0.4rem 0; text-align: left; vertical-align: top; }
thead th { border-bottom: 2px solid var(--line); color: var(--soft); white-space: nowrap; }
tbody th, tbody td { border-bottom: 1px solid var(--line); }
tbody th { font-weight: 600; }
figure { margin: 1.25rem 0 0; }
figcaption { margin-bottom: 0.4rem; color: var(--soft); font-size: 0.92rem; }
.drawn {
  display: grid; grid-template-columns: minmax(6rem, max-content) max-content max-content;
  gap: 0.2rem 1rem; align-items: center; font-size: 0.92rem;
}
.axis, .tick { stroke: var(--line); stroke-width: 1; }
.bar { stroke: var(--accent); stroke-width: 3; }
circle { fill: var(--accent); }
footer {
  margin-top: 2.5rem; padding-top: 0.75rem; border-top: 1px solid var(--line);
  color: var(--soft); font-size: 0.85rem;
}
footer p { margin: 0.2rem 0; }
@media (max-width: 40rem) {
  nav ol { columns: 1; }
  dl { grid-template-columns: 1fr; }
  dt { border-bottom: 0; padding-bottom: 0; }
}
@media print {
  @page { margin: 18mm 16mm; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  nav { display: none; }
  h2 { break-after: avoid; }
  tr, dt, dd, li, .notice, figure { break-inside: avoid; }
  thead { display: table-header-group; }
  .wide { overflow: visible; }
  .badge, .notice, svg { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""
