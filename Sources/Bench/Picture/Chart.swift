/// A picture of lines: what is drawn, and on which scales. `ChartDrawing` draws it.
struct Chart {
    struct Point: Equatable {
        var x: Double
        var y: Double
    }

    struct Series {
        var name: String
        var points: [Point]
    }

    struct Axis {
        var label: String
        var scale: ChartScale
    }

    static let seriesMax = 8

    var title: String
    var x: Axis
    var y: Axis
    /// The first `seriesMax` are drawn.
    var series: [Series]
    /// A mark at every point: for few points.
    var hasMarks = false

    /// Points that the scales can show, series without any left out.
    var drawable: [Series] {
        series.prefix(Self.seriesMax).compactMap { series in
            let points = series.points.filter { x.scale.shows($0.x) && y.scale.shows($0.y) }
            return points.isEmpty ? nil : Series(name: series.name, points: points)
        }
    }
}

/// How values become places along an axis.
enum ChartScale: Equatable {
    /// From 0.
    case linear
    case logarithmic
    /// Percentiles, each further nine as wide as the one before: 0, 90, 99, 99.9 … as HdrHistogram plots them.
    case percentile

    func shows(_ value: Double) -> Bool {
        guard value.isFinite else { return false }
        switch self {
        case .linear: return value >= 0
        case .logarithmic: return value > 0
        case .percentile: return 0..<100 ~= value
        }
    }

    /// A length; meaningful in proportion to others of the same scale.
    func place(_ value: Double) -> Double {
        switch self {
        case .linear: value
        case .logarithmic: Logarithm.ten(value)
        case .percentile: -Logarithm.ten(1 - value / 100)
        }
    }

    /// What an axis has to span, and where it is marked.
    func extent(_ values: [Double]) -> ChartExtent {
        switch self {
        case .linear: ChartExtent(linearTo: values.max() ?? 1)
        case .logarithmic: ChartExtent(logarithmicFrom: values.min() ?? 1, to: values.max() ?? 10)
        case .percentile: ChartExtent(percentilesTo: values.max() ?? 99)
        }
    }
}

/// The stretch of an axis, as places of its scale, and its ticks.
struct ChartExtent: Equatable {
    struct Tick: Equatable {
        var place: Double
        var text: String
    }

    var lower: Double
    var upper: Double
    var ticks: [Tick]

    /// Four to ten round steps from 0.
    init(linearTo highest: Double) {
        let highest = highest > 0 ? highest : 1
        let rough = highest / 6
        let power = Logarithm.powerOfTen(Int(Logarithm.ten(rough).rounded(.down)))
        let step = [1, 2, 2.5, 5, 10].map { $0 * power }.first { $0 >= rough } ?? rough
        let count = max(1, Int((highest / step - 1e-9).rounded(.up)))
        lower = 0
        upper = step * Double(count)
        let digits =
            max(0, -Int((Logarithm.ten(step) + 1e-9).rounded(.down))) + (step == 2.5 * power && power <= 1 ? 1 : 0)
        ticks = (0...count).map {
            Tick(place: step * Double($0), text: Decimals.text(step * Double($0), digits: digits))
        }
    }

    /// Whole powers of ten around the values.
    init(logarithmicFrom lowest: Double, to highest: Double) {
        let first = Int((Logarithm.ten(lowest) + 1e-9).rounded(.down))
        let last = max(first + 1, Int((Logarithm.ten(highest) - 1e-9).rounded(.up)))
        lower = Double(first)
        upper = Double(last)
        ticks = (first...last).map { exponent in
            let digits = max(0, -exponent)
            return Tick(place: Double(exponent), text: Decimals.text(Logarithm.powerOfTen(exponent), digits: digits))
        }
    }

    init(percentilesTo highest: Double) {
        lower = 0
        upper = max(1, -Logarithm.ten(1 - highest / 100))
        let places: [(Double, String)] = [
            (0, "0"), (50, "50"), (90, "90"), (99, "99"), (99.9, "99.9"), (99.99, "99.99"), (99.999, "99.999"),
            (99.9999, "99.9999"),
        ]
        let upper = upper
        ticks = places.map { Tick(place: -Logarithm.ten(1 - $0 / 100), text: $1) }
            .filter { $0.place <= upper + 1e-6 }
    }
}
