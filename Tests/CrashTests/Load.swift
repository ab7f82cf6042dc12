import Foundation
import Synchronization

/// The sale that a run is about: some events, so that both shards have work.
enum Venue {
    static let eventCount = 4
    static let floorPlaces = 10_000_000
    /// Sections that sell out in no time, one after the other: there a place sold twice would show.
    static let scarceSectionCount = 40
    static let scarcePlaces = 30

    static func event(_ number: Int) -> String { "war-\(number)" }
    static func floor(_ number: Int) -> String { "floor-\(number)" }
    static func scarce(_ number: Int) -> String { "scarce-\(number % scarceSectionCount)" }
    static func places(_ section: String) -> Int { section.hasPrefix("floor") ? floorPlaces : scarcePlaces }

    static func open(_ port: UInt16) throws {
        let connection = try Connection(port: port)
        func post(_ path: String, _ body: String, _ key: String) throws {
            let answer = try connection.post(path, body, key: key)
            guard answer.status < 300 else { throw ServerFailure(description: "\(path): \(answer)") }
        }
        for number in 0..<eventCount {
            let event = event(number)
            let path = "/api/v1/events/\(event)"
            let times = #""hold_time_seconds":86400,"hold_time_max_seconds":86400"#
            try post("/api/v1/events", #"{"id":"\#(event)","name":"War","currency":"EUR",\#(times)}"#, event)
            var sections = [floor(number)]
            for scarce in stride(from: number, to: scarceSectionCount, by: eventCount) {
                sections.append(Self.scarce(scarce))
            }
            for section in sections {
                let body =
                    #"{"id":"\#(section)","section_name":"\#(section)","total_capacity":\#(places(section))}"#
                try post("\(path)/capacity", body, section)
            }
            let price =
                #"{"name":"Standard","base_price":50.00,"service_fee":5.00,"facility_fee":2.50,"tax_rate":0.08}"#
            try post("\(path)/pricing", price, "\(event)-price")
            try post("\(path)/publish", "", "\(event)-publish")
        }
    }
}

/// One change of an event's text: 30 KiB each, so that the log's files fill and follow each other.
struct Edit: Sendable {
    static let path = "/api/v1/events/\(Venue.event(0))"

    let revision: Int
    let flushesWhenSent: UInt64
    /// Nil when nobody knows whether it took effect.
    var flushesWhenAnswered: UInt64?

    var body: String { "{\"bulletin\":\"\(revision) " + String(repeating: "x", count: 30_000) + "\"}" }

    /// The revision that the server shows; 0 before the first.
    static func shown(_ connection: Connection) throws -> Int {
        let body = try connection.get(path).body
        guard let member = body.range(of: #""bulletin":""#) else { return 0 }
        return Int(body[member.upperBound...].prefix { $0.isNumber }) ?? -1
    }
}

/// Buyers who buy, singly and in batches, and an editor, until the server is gone or they are told to stop.
final class Load: Sendable {
    struct Made: Sendable {
        var purchases: [Purchase] = []
        var edits: [Edit] = []
        var contradictions: [Contradiction] = []
    }

    struct Settings: Sendable {
        var port: UInt16
        var seed: UInt64
        /// Begins every key.
        var name: String
        /// The section that is selling out at the moment.
        var scarce = 0
        var firstRevision = 1
        /// The longest a buyer waits before the next purchase.
        var pauseMicrosecondsMax: UInt32 = 4_000
        /// How many flushes the disk has completed.
        var flushes: @Sendable () -> UInt64 = { 0 }
    }

    private static let buyerCount = 8
    private let isStopped = Atomic(false)
    private let crew = Mutex<Crew<Made>?>(nil)

    init(_ settings: Settings) {
        let crew = Crew(threads: Self.buyerCount + 1) { thread in
            guard let connection = try? Connection(port: settings.port, isPatient: false) else { return [Made]() }
            var buyer = Buyer(connection, settings, thread)
            while !self.isStopped.load(ordering: .relaxed), buyer.isConnected {
                switch thread {
                case Self.buyerCount: buyer.edit()
                case 0, 1: buyer.buy(count: 12)
                default: buyer.buy(count: 1)
                }
                // The editor goes on faster: it fills the log's files.
                let pauseMax = settings.pauseMicrosecondsMax / (thread == Self.buyerCount ? 8 : 1)
                usleep(UInt32.random(in: 0...pauseMax, using: &buyer.random))
            }
            return [buyer.made]
        }
        self.crew.withLock { $0 = crew }
    }

    /// Everything that was sent and everything that was answered.
    func finish() -> Made {
        isStopped.store(true, ordering: .relaxed)
        return crew.withLock { $0 }!.join().reduce(into: Made()) {
            $0.purchases += $1.purchases
            $0.edits += $1.edits
            $0.contradictions += $1.contradictions
        }
    }
}

private struct Buyer {
    private let connection: Connection
    private let settings: Load.Settings
    private let thread: Int
    var random: SeededRandom
    private(set) var made = Load.Made()
    /// False after the first request without an answer.
    private(set) var isConnected = true

    init(_ connection: Connection, _ settings: Load.Settings, _ thread: Int) {
        self.connection = connection
        self.settings = settings
        self.thread = thread
        random = SeededRandom(state: settings.seed &+ UInt64(thread))
    }

    /// Makes so many purchases side by side, to their ends: by requests of their own, or as the lines of batches.
    mutating func buy(count: Int) {
        var purchases = (0..<count).map { line in
            let isScarce = Int.random(in: 0..<4, using: &random) == 0
            let section =
                isScarce
                ? Venue.scarce(settings.scarce) : Venue.floor(Int.random(in: 0..<Venue.eventCount, using: &random))
            return Purchase(
                key: "\(settings.name)-\(thread)-\(made.purchases.count + line)",
                section: section,
                random: &random
            )
        }
        while isConnected {
            let steps = purchases.indices.compactMap { index in purchases[index].nextStep().map { (index, $0) } }
            if steps.isEmpty { break }
            for (index, step) in steps { purchases[index].begin(step, flushes: settings.flushes()) }
            guard let answers = try? send(steps.map(\.1)) else {
                isConnected = false
                break
            }
            let flushes = settings.flushes()
            for ((index, _), answer) in zip(steps, answers) where answer.isRemembered {
                purchases[index].end(answer, flushes: flushes)
            }
            isConnected = answers.allSatisfy(\.isRemembered)
            if Int.random(in: 0..<10, using: &random) == 0, let (index, _) = steps.randomElement(using: &random) {
                retry(purchases[index].steps[purchases[index].steps.count - 1])
            }
        }
        made.purchases += purchases.filter { !$0.steps.isEmpty }
    }

    private func send(_ steps: [Step]) throws -> [Answer] {
        steps.count == 1 ? [try steps[0].send(connection)] : try connection.batch(steps.map(\.line))
    }

    private mutating func retry(_ step: Step) {
        guard isConnected, step.answer != nil else { return }
        guard let again = try? step.send(connection) else {
            isConnected = false
            return
        }
        if again != step.answer {
            made.contradictions.append(.changed("key \(step.key): first \(step.answer!), then \(again)"))
        }
    }

    mutating func edit() {
        let revision = settings.firstRevision + made.edits.count
        made.edits.append(Edit(revision: revision, flushesWhenSent: settings.flushes()))
        let edit = made.edits[made.edits.count - 1]
        guard let answer = try? connection.put(Edit.path, edit.body), answer.status == 200 else {
            isConnected = false
            return
        }
        made.edits[made.edits.count - 1].flushesWhenAnswered = settings.flushes()
    }
}
