import Testing
import WAL

@testable import Server

@Suite struct MetricsTextTests {
    @Test func labelsAreEscaped() {
        var text = MetricsText()
        text.gauges("a", "An a.", [(["event": "q\"b\\s\nn", "state": "ü"], 7)])
        #expect(text.text == "# HELP a An a.\n# TYPE a gauge\na{event=\"q\\\"b\\\\s\\nn\",state=\"ü\"} 7\n")
    }

    @Test func secondsAreExact() {
        let expected: [(UInt64, String)] = [
            (0, "0"), (1, "0.000000001"), (250_000, "0.00025"), (1_000_000_000, "1"), (1_500_000_000, "1.5"),
            (UInt64.max, "18446744073.709551615"),
        ]
        for (nanoseconds, text) in expected { #expect(MetricValue.seconds(nanoseconds: nanoseconds).text == text) }
        #expect(MetricValue.seconds(milliseconds: 1_234).text == "1.234")
    }

    @Test func aHistogramAddsUp() {
        var counts = BucketCounts(bounds: [1_000_000, 2_500_000])
        for value: UInt64 in [1, 1_000_000, 2_000_000, 9_000_000] { counts.add(value) }
        var text = MetricsText()
        text.histogram("t_seconds", "A t.", [(["group": "x"], counts)], unit: { .seconds(nanoseconds: $0) })
        #expect(
            text.text == """
                # HELP t_seconds A t.
                # TYPE t_seconds histogram
                t_seconds_bucket{group="x",le="0.001"} 2
                t_seconds_bucket{group="x",le="0.0025"} 3
                t_seconds_bucket{group="x",le="+Inf"} 4
                t_seconds_sum{group="x"} 0.012000001
                t_seconds_count{group="x"} 4

                """
        )
    }

    // MARK: - Counting

    @Test func aCodeIsCountedWhereverItStands() {
        let problems = ProblemCounts()
        for _ in 0..<3 { problems.count("SOLD_OUT") }
        problems.count("EVENT_NOT_FOUND")
        #expect(problems.counts() == ["SOLD_OUT": 3, "EVENT_NOT_FOUND": 1])
    }

    /// Whatever is in flight and in whatever order it is answered, each answer finds its own request.
    @Test(arguments: 0..<20 as Range<UInt64>)
    func everyRequestKeepsItsMark(seed: UInt64) {
        var random = SeededBytes(seed: seed)
        var marks = RequestMarks()
        // The numbers come round.
        let first = UInt32.max - 20
        var open: [(sequence: UInt32, arrival: UInt64)] = []
        for number in 0..<200 as Range<UInt32> {
            let sequence = first &+ number
            open.append((sequence, UInt64(number)))
            let due = open[0].sequence
            marks.add(RequestMark(arrival: UInt64(number)), sequence, inFlight: sequence &- due &+ 1)
            marks[sequence].route = RouteNumber(rawValue: UInt16(number))
            while open.count > 64 || (!open.isEmpty && random.next() % 2 == 0) {
                let place = open.count > 64 ? 0 : Int(random.next() % UInt64(open.count))
                let (sequence, arrival) = open.remove(at: place)
                #expect(marks[sequence].arrival == arrival && marks[sequence].route.rawValue == UInt16(arrival))
            }
        }
    }

    @Test func everyRouteHasANumberAndAGroup() {
        var numbers: Set<RouteNumber> = [.none]
        for endpoint in Endpoint.allCases {
            for method in [HTTPMethod.get, .post, .put, .delete, .other] {
                let number = RouteNumber(endpoint, method)
                #expect(number.endpoint == endpoint && number.routeName == "\(endpoint)")
                #expect(numbers.insert(number).inserted)
                #expect(Int(number.rawValue) < RouteNumber.count)
            }
        }
        #expect(RouteNumber(.event, .head) == RouteNumber(.event, .get))
        #expect(Set(LatencyGroup.allCases.map(\.number)) == Set(LatencyGroup.allCases.indices))
    }
}
