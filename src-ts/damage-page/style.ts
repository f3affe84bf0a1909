// The style sheet of a damage map's page. The colours are by Okabe and Ito: colour-blind readers can distinguish them.

/** The page's style sheet. */
export const STYLE = `
:root{--paper:#fff;--ink:#1c1e21;--soft:#5d6470;--line:#d9dde3;--card:#f5f6f8;--ok:#b9d7ea;--missing:#2b2f36;--rot:#e69f00;--tampering:#cc4778;--unknown:#8e7cc3;--good:#1b7f5c;--bad:#b3261e}
@media(prefers-color-scheme:dark){:root{--paper:#15171a;--ink:#e7e9ec;--soft:#9aa2ad;--line:#343941;--card:#1f2226;--ok:#2f5f7c;--missing:#eceff3;--rot:#e69f00;--tampering:#e0659a;--unknown:#a99ada;--good:#57c7a0;--bad:#ff8a80}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:1100px;margin:0 auto;padding:32px 24px 48px}
header{border-left:6px solid var(--rot);padding-left:18px}
.whole header{border-color:var(--good)}
.nothing header{border-color:var(--bad)}
.of{margin:0;color:var(--soft);overflow-wrap:anywhere}
h1{margin:2px 0 0;font-size:28px;line-height:1.25}
h2{font-size:19px;margin:36px 0 8px}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(165px,1fr));gap:12px;margin:24px 0 0}
.figures div{background:var(--card);border-radius:8px;padding:10px 14px}
dt{color:var(--soft);font-size:13px}
dd{margin:0;font-size:18px;font-weight:600;font-variant-numeric:tabular-nums}
dd small{display:block;font-size:12px;font-weight:400;color:var(--soft)}
.legend{display:flex;flex-wrap:wrap;gap:4px 20px;margin:0 0 10px;font-size:14px}
.legend span{white-space:nowrap}
.swatch{vertical-align:-2px;border-radius:2px}
.grid{max-width:100%;height:auto;display:block}
.grid text{fill:var(--soft);font-size:11px;text-anchor:end;font-variant-numeric:tabular-nums}
.grid g:hover rect,.grid .ok:hover{stroke:var(--ink);stroke-width:1}
.ok{fill:var(--ok)}
.missing{fill:var(--missing)}
.rot{fill:var(--rot)}
.tampering{fill:var(--tampering)}
.unknown{fill:var(--unknown)}
.ink path{stroke:var(--paper);stroke-width:1.2;opacity:.75;fill:none}
.ink circle{fill:var(--paper);opacity:.9}
.note,footer{color:var(--soft);font-size:14px}
.note{margin:8px 0 0}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:14px}
th{text-align:left;font-weight:600;color:var(--soft)}
th,td{padding:5px 14px 5px 0;border-bottom:1px solid var(--line);vertical-align:top}
.number{white-space:nowrap;font-variant-numeric:tabular-nums}
.cause{white-space:nowrap}
footer{margin-top:36px;border-top:1px solid var(--line);overflow-wrap:anywhere}
footer p{margin:10px 0 0}
@media print{:root{--paper:#fff;--ink:#000;--soft:#444;--line:#bbb;--card:#f2f2f2;--ok:#cfe3ef;--missing:#2b2f36;--rot:#e69f00;--tampering:#cc4778;--unknown:#8e7cc3}body{font-size:12px}main{padding:0;max-width:none}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}tr,.figures div{break-inside:avoid}}
`;
