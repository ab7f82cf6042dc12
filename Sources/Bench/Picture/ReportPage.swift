/// A report as one HTML page that needs nothing else: no script, no font, no picture from elsewhere. Or its pictures
/// alone, as one SVG.
struct ReportPage {
    let report: BenchReport

    func render() -> String {
        """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>\(Markup.escape("holdfast-bench \(report.mode)"))</title>
        <style>
        \(PictureStyle.sheet)
        \(Self.pageStyle)
        </style>
        </head>
        <body class="picture">
        <h1>holdfast-bench \(Markup.escape(report.mode))</h1>
        <p class="verdict \(report.complaints.isEmpty ? "good" : "bad")">\(Markup.escape(verdict))</p>
        \(figures)
        <pre>\(Markup.escape(ReportText(report: report, hasFigures: false).render()))</pre>
        \(charts.map { svg($0) }.joined(separator: "\n"))
        </body>
        </html>

        """
    }

    /// All pictures, one below the other.
    func renderPictures() -> String {
        let height = ChartDrawing.height * Double(max(1, charts.count))
        let drawn = charts.enumerated().map { index, chart in
            #"<g transform="translate(0 \#(ChartDrawing.height * Double(index)))">"# + "\n"
                + ChartDrawing(chart).render() + "\n</g>"
        }
        return """
            <svg xmlns="http://www.w3.org/2000/svg" class="picture" viewBox="0 0 \(ChartDrawing.width) \(height)" \
            width="\(ChartDrawing.width)" height="\(height)" role="img">
            <title>\(Markup.escape("holdfast-bench \(report.mode) against \(report.target)"))</title>
            <style>
            \(PictureStyle.sheet)
            </style>
            <rect class="ground" width="100%" height="100%"/>
            \(drawn.joined(separator: "\n"))
            </svg>

            """
    }

    private var charts: [Chart] { ReportCharts(report: report).charts }

    private var verdict: String {
        guard report.complaints.isEmpty else { return report.complaints.joined(separator: " · ") }
        guard let stock = report.stock else { return "The run went well." }
        return "The stock adds up: \(Decimals.text(UInt64(stock.sold))) sold of \(Decimals.text(UInt64(stock.total))), "
            + "every one to a buyer who was told so."
    }

    private var figures: String {
        guard !report.figures.isEmpty else { return "" }
        let rows = report.figures.map { figure in
            "<tr><th>\(Markup.escape(figure.name))</th><td>\(Decimals.text(figure.value))</td>"
                + "<td>\(Markup.escape(figure.unit))</td></tr>"
        }
        return "<table>\n\(rows.joined(separator: "\n"))\n</table>"
    }

    private func svg(_ chart: Chart) -> String {
        """
        <svg viewBox="0 0 \(ChartDrawing.width) \(ChartDrawing.height)" role="img" aria-label="\(Markup.escape(chart.title))">
        \(ChartDrawing(chart).render())
        </svg>
        """
    }

    private static let pageStyle = """
        body { margin: 2rem auto; max-width: 62rem; padding: 0 1rem; font: 15px/1.5 system-ui, sans-serif;
          background: var(--ground); color: var(--ink); }
        h1 { font-size: 1.4rem; }
        .verdict { border-left: 4px solid var(--c2); padding-left: .8rem; }
        .verdict.bad { border-color: var(--c1); font-weight: 600; }
        table { border-collapse: collapse; margin: 1rem 0; }
        th { text-align: left; font-weight: 400; color: var(--soft); padding: .1rem 1.5rem .1rem 0; }
        td:nth-child(2) { text-align: right; font-variant-numeric: tabular-nums; font-weight: 600; }
        td { padding: .1rem .4rem; }
        pre { overflow-x: auto; font: 12px/1.5 ui-monospace, monospace; border: 1px solid var(--rule); padding: 1rem; }
        svg { display: block; width: 100%; height: auto; margin: 1.5rem 0; }
        """
}
