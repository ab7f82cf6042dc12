import Testing

@testable import Server

/// Metrics as a scrape reads them, by the rules of the text format.
struct Exposition {
    /// By name and labels, as they are written.
    private(set) var values: [String: Double] = [:]
    /// By name; a histogram's without `_bucket`, `_sum` and `_count`.
    private(set) var kinds: [String: String] = [:]

    /// Records an issue for everything that a scrape would trip over.
    init(_ text: String) {
        var helped: Set<String> = []
        #expect(text.hasSuffix("\n"))
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            let words = line.split(separator: " ")
            if line.hasPrefix("# HELP ") {
                #expect(words.count > 4 && helped.insert(String(words[2])).inserted, "\(line)")
            } else if line.hasPrefix("# TYPE ") {
                let name = String(words[2])
                #expect(kinds.updateValue(String(words[3]), forKey: name) == nil, "\(line)")
                #expect(helped.contains(name), "\(line)")
            } else {
                read(line)
            }
        }
        #expect(Set(kinds.keys) == helped)
    }

    private mutating func read(_ line: Substring) {
        guard let end = line.lastIndex(of: " "), let value = Double(line[line.index(after: end)...]) else {
            Issue.record("no sample: \(line)")
            return
        }
        let series = String(line[..<end])
        #expect(values.updateValue(value, forKey: series) == nil, "twice: \(series)")
        let name = Self.name(of: series)
        let isKnown = kinds[name] != nil || kinds[Self.histogram(of: name) ?? ""] == "histogram"
        #expect(isKnown, "no type: \(series)")
        if kinds[name] == "counter" { #expect(name.hasSuffix("_total")) }
        #expect(value >= 0 && value.isFinite)
    }

    static func name(of series: some StringProtocol) -> String { String(series.prefix { $0 != "{" }) }

    static func histogram(of name: String) -> String? {
        for suffix in ["_bucket", "_sum", "_count"] where name.hasSuffix(suffix) {
            return String(name.dropLast(suffix.count))
        }
        return nil
    }

    subscript(series: String) -> Double? { values[series] }

    /// The sum of a name's series that have all of these labels.
    func sum(_ name: String, _ labels: String...) -> Double {
        values.filter { series, _ in
            Self.name(of: series) == name
                && labels.allSatisfy { series.contains("{\($0)") || series.contains(",\($0)") }
        }.values.reduce(0, +)
    }

    /// The names of all samples.
    var names: Set<String> { Set(values.keys.map { Self.name(of: $0) }) }
}
