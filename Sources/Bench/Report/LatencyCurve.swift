import Histogram

/// Latencies by percentile, close together where it is interesting: ten steps between 0 and 90, ten between 90 and
/// 99, and so on up to the last percentile that so many values can tell apart.
enum LatencyCurve {
    struct Point: Encodable, Equatable {
        var percentile: Double
        var microseconds: Double
    }

    static let decadesMax = 6

    static func points(_ latencies: Histogram<UInt64>) -> [Point] {
        guard latencies.totalCount > 0 else { return [] }
        let last = 100 * (1 - 1 / Double(latencies.totalCount))
        var points: [Point] = []
        for decade in 0..<decadesMax {
            // Percentiles above this decade's start, in tenths of what is left: 0…90, 90…99, 99…99.9.
            let left = Self.powerOfTen(-decade) * 100
            for step in 0..<9 {
                let percentile = 100 - left + left * Double(step) / 10
                guard percentile <= last || points.isEmpty else { break }
                points.append(point(percentile, latencies))
            }
        }
        if let before = points.last, before.percentile < last { points.append(point(last, latencies)) }
        return points
    }

    private static func point(_ percentile: Double, _ latencies: Histogram<UInt64>) -> Point {
        Point(percentile: percentile, microseconds: Double(latencies.valueAtPercentile(percentile)) / 1000)
    }

    private static func powerOfTen(_ exponent: Int) -> Double {
        (0..<abs(exponent)).reduce(1.0) { value, _ in exponent < 0 ? value / 10 : value * 10 }
    }
}
