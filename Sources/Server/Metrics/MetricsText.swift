import WAL

/// Writes metrics in Prometheus' text format 0.0.4: for each name its help, its type, then its series.
struct MetricsText {
    enum Kind: String { case counter, gauge, histogram }

    typealias Labels = KeyValuePairs<StaticString, String>

    private(set) var text = ""

    /// One series without labels.
    mutating func counter(_ name: StaticString, _ help: StaticString, _ value: MetricValue) {
        begin(name, .counter, help)
        sample("\(name)", [:], value)
    }

    mutating func gauge(_ name: StaticString, _ help: StaticString, _ value: MetricValue) {
        begin(name, .gauge, help)
        sample("\(name)", [:], value)
    }

    /// A series for each of these; no two may have the same labels.
    mutating func counters(_ name: StaticString, _ help: StaticString, _ series: [(labels: Labels, value: MetricValue)])
    {
        begin(name, .counter, help)
        for (labels, value) in series { sample("\(name)", labels, value) }
    }

    mutating func gauges(_ name: StaticString, _ help: StaticString, _ series: [(labels: Labels, value: MetricValue)]) {
        begin(name, .gauge, help)
        for (labels, value) in series { sample("\(name)", labels, value) }
    }

    /// - Parameter unit: turns the counted numbers into the unit that the name ends with.
    mutating func histogram(
        _ name: StaticString,
        _ help: StaticString,
        _ series: [(labels: Labels, counts: BucketCounts)],
        unit: (UInt64) -> MetricValue
    ) {
        begin(name, .histogram, help)
        for (labels, counts) in series {
            var sum: UInt64 = 0
            for (bucket, count) in counts.counts.enumerated() {
                sum += count
                let bound = bucket < counts.bounds.count ? unit(counts.bounds[bucket]).text : "+Inf"
                sample("\(name)_bucket", labels, MetricValue(sum), bound: bound)
            }
            sample("\(name)_sum", labels, unit(counts.sum))
            sample("\(name)_count", labels, MetricValue(sum))
        }
    }

    private mutating func begin(_ name: StaticString, _ kind: Kind, _ help: StaticString) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
    }

    private mutating func sample(_ name: String, _ labels: Labels, _ value: MetricValue, bound: String? = nil) {
        text += name
        var separator = "{"
        for (label, value) in labels {
            text += "\(separator)\(label)=\""
            escape(value)
            text += "\""
            separator = ","
        }
        if let bound {
            text += "\(separator)le=\"\(bound)\""
            separator = ","
        }
        text += separator == "{" ? " " : "} "
        text += value.text
        text += "\n"
    }

    private mutating func escape(_ value: String) {
        for character in value.unicodeScalars {
            switch character {
            case "\\": text += "\\\\"
            case "\"": text += "\\\""
            case "\n": text += "\\n"
            default: text.unicodeScalars.append(character)
            }
        }
    }
}

/// A number as the format writes it, without an exponent.
struct MetricValue: ExpressibleByIntegerLiteral {
    let text: String

    init(_ number: some BinaryInteger) { text = "\(number)" }
    init(integerLiteral number: UInt64) { text = "\(number)" }
    init(_ flag: Bool) { text = flag ? "1" : "0" }

    /// Seconds, exactly.
    static func seconds(nanoseconds: UInt64) -> MetricValue { MetricValue(nanoseconds, fractionDigits: 9) }
    static func seconds(milliseconds: UInt64) -> MetricValue { MetricValue(milliseconds, fractionDigits: 3) }

    private init(_ number: UInt64, fractionDigits: Int) {
        let scale = (0..<fractionDigits).reduce(UInt64(1)) { scale, _ in scale * 10 }
        let (whole, rest) = number.quotientAndRemainder(dividingBy: scale)
        guard rest > 0 else {
            text = "\(whole)"
            return
        }
        var fraction = String("\(scale + rest)".dropFirst())
        while fraction.last == "0" { fraction.removeLast() }
        text = "\(whole).\(fraction)"
    }
}
