"""The style of every page: dense, for light and dark, for screens of any width and for paper.

Nothing is said by color alone. Orange and blue stay apart for readers who do not tell red from green; every pair of
text and background has a contrast of at least 4.5 to 1.
"""

STYLE = """\
:root { color-scheme: light dark; --ink: #1b1f24; --dim: #57606a; --line: #d4dae1; --back: #fff; --soft: #f4f6f9;
  --link: #0a50a8; --good: #2166ac; --bad: #b34a00; --bad-soft: #fdf1e7; --new: #7a3299; --rest: #c3cad3; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e3e8ee; --dim: #a0abb8; --line: #343c46; --back: #14181d; --soft: #1c222a; --link: #86b8f5;
    --good: #6aa9e9; --bad: #f0984f; --bad-soft: #33251a; --new: #d7a2ee; --rest: #4b5562; } }
* { box-sizing: border-box; }
html { background: var(--back); color: var(--ink); font: 14px/1.45 system-ui, "Segoe UI", Roboto, "Helvetica Neue",
  Arial, "Liberation Sans", sans-serif; }
body { margin: 0 auto; padding: 1.75rem 2rem 3rem; max-width: 78rem; overflow-wrap: anywhere; }
a, b, code, li, p, span, strong, summary, td, th { unicode-bidi: isolate; }
a { color: var(--link); text-underline-offset: .15em; }
a:focus-visible, summary:focus-visible, select:focus-visible, input:focus-visible, [tabindex]:focus-visible {
  outline: 2px solid var(--link); outline-offset: -2px; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .6rem; letter-spacing: -.01em; }
h2 { font-size: 1.2rem; margin: 2.4rem 0 .6rem; padding-top: .7rem; border-top: 2px solid var(--ink); }
h3 { font-size: 1rem; margin: 1.5rem 0 .35rem; }
h3 small, h2 small { font-size: .857rem; font-weight: normal; color: var(--dim); margin-left: .5em; }
p { margin: .3rem 0; max-width: 75ch; }
code, pre { font: .89em/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; }
pre { background: var(--soft); border: 1px solid var(--line); border-radius: 4px; padding: .6rem .8rem; margin:
  .4rem 0;
  white-space: pre-wrap; }
ul, ol { margin: 0; padding: 0; list-style: none; }
.dim { color: var(--dim); }
.lead { font-size: 1.1rem; max-width: none; margin: 0 0 .9rem; }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1.2rem; margin: 0; }
.facts dt { color: var(--dim); } .facts dd { margin: 0; }
nav ul { display: flex; flex-wrap: wrap; gap: .2rem 1.3rem; margin: 1.1rem 0 0; padding: .5rem 0;
  border-top: 1px solid var(--line); border-bottom: 1px solid var(--line); }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: .7rem; margin: 1.2rem
  0 0; }
.figures > div { display: flex; flex-direction: column-reverse; justify-content: flex-end; border: 1px solid
  var(--line);
  border-radius: 5px; padding: .5rem .8rem .6rem; background: var(--soft); }
.figures dt { color: var(--dim); line-height: 1.3; }
.figures dd { margin: 0; font-size: 1.65rem; line-height: 1.3; font-weight: 600; font-variant-numeric: tabular-nums; }
.figures .bad dd { color: var(--bad); } .figures .good dd { color: var(--good); } .figures .new dd { color:
  var(--new); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; margin: .4rem 0; }
caption { text-align: left; color: var(--dim); padding-bottom: .3rem; }
th, td { text-align: left; vertical-align: top; padding: .26rem 1rem .26rem 0; border-bottom: 1px solid var(--line);
  overflow-wrap: break-word; }
tbody th { font-weight: 600; min-width: 9rem; } details tbody th { font-weight: normal; }
thead th { color: var(--dim); font-weight: 500; white-space: nowrap; vertical-align: bottom; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; width: 1%; }
.n .zero { color: var(--dim); } .n .bad { color: var(--bad); font-weight: 600; }
.nw { white-space: nowrap; }
.share { white-space: nowrap; width: 12rem; }
.share b { display: inline-block; width: 3.1em; text-align: right; font-variant-numeric: tabular-nums;
  font-weight: 500; margin-right: .6em; }
.bar { display: inline-flex; width: 7.5rem; height: .62rem; border-radius: 2px; overflow: hidden;
  background: var(--bad); vertical-align: baseline; }
.bar i { background: var(--good); }
.bar.none { background: var(--rest); }
details > summary { cursor: pointer; padding: .3rem 0; }
details > summary:hover { background: var(--soft); }
.ns { content-visibility: auto; contain-intrinsic-size: auto 60rem; }
.rows { border-top: 1px solid var(--line); }
.rows > details, .rows > article { border-bottom: 1px solid var(--line); }
.rows > details > summary { padding: .38rem 0; }
.w > summary small { display: block; color: var(--dim); margin-left: 1.1rem; }
.w > summary code, .findings small { color: var(--dim); }
.rows > details[open] > summary { background: var(--soft); }
.rows > details > :not(summary) { margin-left: 1.1rem; }
.mark { display: inline-block; border: 1px solid; border-radius: 3px; padding: 0 .4em; font-size: .82em;
  line-height: 1.45;
  white-space: nowrap; }
.mark.new { color: var(--new); font-weight: 600; } .mark.fix { color: var(--good); } .mark.bad { color: var(--bad); }
.findings { margin: .1rem 0 .5rem; }
.findings > li { padding: .34rem 0; }
.findings > li:has(> div) { display: grid; grid-template-columns: 14.5rem minmax(0, 1fr); gap: 0 1rem; }
.findings > li + li { border-top: 1px dotted var(--line); }
.findings p { margin: 0; max-width: 95ch; }
.findings p.fix { color: var(--dim); }
.filters { display: none; flex-wrap: wrap; gap: .4rem 1.4rem; align-items: center; padding: .5rem .8rem; margin:
  .6rem 0;
  background: var(--soft); border: 1px solid var(--line); border-radius: 5px; position: sticky; top: 0; z-index: 1; }
@supports selector(:has(a)) { .filters[hidden] { display: flex; } }
.filters label { display: inline-flex; gap: .5em; align-items: center; max-width: 100%; }
select { font: inherit; color: inherit; background: var(--back); border: 1px solid var(--dim); border-radius: 4px;
  padding: .15rem .3rem; min-width: 0; max-width: 20rem; }
footer { margin-top: 2.5rem; color: var(--dim); border-top: 1px solid var(--line); padding-top: .6rem; }
@media (max-width: 44rem) {
  body { padding: 1rem; }
  .findings > li:has(> div) { grid-template-columns: minmax(0, 1fr); }
  .rows > details > :not(summary) { margin-left: 0; }
  .aside { display: none; }
  .facts { grid-template-columns: 1fr; } .facts dd { margin-bottom: .3rem; }
  .filters { position: static; } }
@media print {
  :root { --ink: #000; --dim: #444; --line: #bbb; --back: #fff; --soft: #fff; --link: #000; --good: #2166ac;
    --bad: #9a3d00; --new: #7a3299; --rest: #bbb; }
  html { font-size: 9.5pt; } body { padding: 0; max-width: none; }
  .ns { content-visibility: visible; }
  nav, .filters { display: none !important; } a { text-decoration: none; }
  .bar, .bar i { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  details::details-content { content-visibility: visible; display: block; block-size: auto; }
  h2, h3, summary, thead { break-after: avoid; } tr, .findings > li, .figures { break-inside: avoid; }
  .scroll { overflow: visible; } }
"""
