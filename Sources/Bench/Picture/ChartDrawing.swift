/// Draws a chart as a piece of SVG: a `<g>` of a fixed size. Colours come from the style sheet of the whole
/// (`PictureStyle`), so that one drawing is readable on light and on dark ground.
struct ChartDrawing {
    static let width = 760.0
    static let height = 320.0
    private static let margin = (left: 84.0, right: 44.0, top: 34.0, bottom: 66.0)

    private let chart: Chart
    private let series: [Chart.Series]
    private let xExtent: ChartExtent
    private let yExtent: ChartExtent

    init(_ chart: Chart) {
        self.chart = chart
        series = chart.drawable
        xExtent = chart.x.scale.extent(series.flatMap { $0.points.map(\.x) })
        yExtent = chart.y.scale.extent(series.flatMap { $0.points.map(\.y) })
    }

    func render() -> String {
        ([title] + yTicks + xTicks + [axisLabels] + series.indices.map(line) + legend).joined(separator: "\n")
    }

    // MARK: - Places

    private var plotWidth: Double { Self.width - Self.margin.left - Self.margin.right }
    private var plotHeight: Double { Self.height - Self.margin.top - Self.margin.bottom }

    private func x(_ place: Double) -> Double {
        Self.margin.left + (place - xExtent.lower) / (xExtent.upper - xExtent.lower) * plotWidth
    }

    private func y(_ place: Double) -> Double {
        Self.margin.top + plotHeight - (place - yExtent.lower) / (yExtent.upper - yExtent.lower) * plotHeight
    }

    /// One digit after the point is a tenth of a pixel.
    private func number(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }

    // MARK: - Parts

    private var title: String { text(Self.margin.left, 20, chart.title, class: "title") }

    private var yTicks: [String] {
        yExtent.ticks.flatMap { tick -> [String] in
            let at = y(tick.place)
            return [
                rule(Self.margin.left, at, Self.margin.left + plotWidth, at),
                text(Self.margin.left - 8, at + 4, tick.text, class: "end"),
            ]
        }
    }

    private var xTicks: [String] {
        xExtent.ticks.flatMap { tick -> [String] in
            let at = x(tick.place)
            let bottom = Self.margin.top + plotHeight
            return [rule(at, Self.margin.top, at, bottom), text(at, bottom + 18, tick.text, class: "middle")]
        }
    }

    private var axisLabels: String {
        let bottom = Self.margin.top + plotHeight
        let middle = Self.margin.top + plotHeight / 2
        return """
            \(text(Self.margin.left + plotWidth / 2, bottom + 36, chart.x.label, class: "middle soft"))
            <text class="middle soft" transform="translate(16 \(number(middle))) rotate(-90)">\(Markup.escape(chart.y.label))</text>
            """
    }

    private func line(_ index: Int) -> String {
        let places = series[index].points.map { point in
            (x(chart.x.scale.place(point.x)), y(chart.y.scale.place(point.y)))
        }
        let path = places.map { "\(number($0.0)),\(number($0.1))" }.joined(separator: " ")
        var parts = [#"<polyline class="line s\#(index)" points="\#(path)"/>"#]
        if chart.hasMarks || places.count == 1 {
            parts += places.map {
                #"<circle class="mark m\#(index)" cx="\#(number($0.0))" cy="\#(number($0.1))" r="3.5"/>"#
            }
        }
        return parts.joined(separator: "\n")
    }

    /// Names under the plot, beside a piece of their line. With one series the title says it.
    private var legend: [String] {
        guard series.count > 1 else { return [] }
        let at = Self.height - 10
        var left = Self.margin.left
        return series.indices.flatMap { index -> [String] in
            defer { left += 40 + Double(series[index].name.count) * 6.6 }
            return [
                #"<line class="line s\#(index)" x1="\#(number(left))" y1="\#(number(at - 4))" x2="\#(number(left + 18))" y2="\#(number(at - 4))"/>"#,
                text(left + 24, at, series[index].name, class: ""),
            ]
        }
    }

    private func rule(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double) -> String {
        #"<line class="rule" x1="\#(number(x1))" y1="\#(number(y1))" x2="\#(number(x2))" y2="\#(number(y2))"/>"#
    }

    private func text(_ x: Double, _ y: Double, _ content: String, class name: String) -> String {
        #"<text class="\#(name)" x="\#(number(x))" y="\#(number(y))">\#(Markup.escape(content))</text>"#
    }
}
