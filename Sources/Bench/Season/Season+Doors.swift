import Synchronization

// The doors: scanners at two gates, copies, void and refunded tickets, and one gate that loses its network.

extension Season {
    /// Tickets that the gate without network reads, in two lists.
    private static let offlineTickets = 200

    mutating func openDoors(void: [String]) throws {
        begin("Doors")
        let open = #""opens_at":"\#(Self.time(in: -3_600))","closes_at":"\#(Self.time(in: 6 * 3_600))""#
        for (gate, sections) in [("north", [floor]), ("south", [lower, upper])] {
            let names = sections.map { "\"\($0)\"" }.joined(separator: ",")
            try office.make("/api/v1/events/\(event)/gates", #"{"id":"\#(gate)","capacity_ids":[\#(names)],\#(open)}"#)
        }
        let guests = books.orders.flatMap(\.tickets).filter { !$0.isRefunded }
        let offline = guests.suffix(Self.offlineTickets)
        let results = try scan(guests.dropLast(offline.count).map { ($0.scanCode, gate($0)) })
        try expect(results == ["CHECKED_IN": guests.count - offline.count], "at the doors: \(results)")
        tell("\(guests.count - offline.count) guests through two gates with four scanners")
        try scanWhatMustNotPass(guests, void)
        try scanOffline(Array(offline))
    }

    private func gate(_ ticket: SeasonBooks.Ticket) -> String { ticket.section == floor ? "north" : "south" }

    /// - Returns: how often each code was answered.
    private func scan(_ scans: [(code: String, gate: String)]) throws -> [String: Int] {
        let results = Mutex<[String: Int]>([:])
        try SeasonCrowd.run(scans.count, connections: 4, endpoint, name: "\(prefix)-scan-\(scans.count)") {
            number,
            client in
            let scan = scans[number]
            let body = #"{"code":"\#(scan.code)","gate":"\#(scan.gate)"}"#
            let answer = try client.post("/api/v1/tickets/validate", body)
            let code = answer.isSuccess ? answer.body["scan", "code"].string ?? "" : answer.code
            results.withLock { $0[code, default: 0] += 1 }
        }
        return results.withLock { $0 }
    }

    private func scanWhatMustNotPass(_ guests: [SeasonBooks.Ticket], _ void: [String]) throws {
        let copies = guests.prefix(25)
        let again = try scan(copies.map { ($0.scanCode, gate($0)) })
        try expect(again == ["ALREADY_CHECKED_IN": copies.count], "copies at the doors: \(again)")
        let old = try scan(void.map { ($0, "north") })
        try expect(old == ["TICKET_VOID": void.count], "void tickets at the doors: \(old)")
        let refunded = books.orders.flatMap(\.tickets).filter(\.isRefunded)
        let back = try scan(refunded.map { ($0.scanCode, gate($0)) })
        try expect(back == ["TICKET_REFUNDED": refunded.count], "refunded tickets at the doors: \(back)")
        let first = try office.post(
            "/api/v1/tickets/validate",
            #"{"code":"\#(copies[copies.startIndex].scanCode)","gate":"\#(gate(copies[copies.startIndex]))"}"#
        )
        let when = first.body["checked_in_at"].string ?? "?"
        tell("\(copies.count) copies, \(void.count) void and \(refunded.count) refunded tickets stay outside")
        tell("the first copy's holder is told: checked in at \(when), gate \(first.body["gate"].string ?? "?")")
    }

    /// The list comes late, and twice: the second time it hears the same.
    private func scanOffline(_ guests: [SeasonBooks.Ticket]) throws {
        let scans = guests.map {
            #"{"code":"\#($0.scanCode)","gate":"\#(gate($0))","scanned_at":"\#(Self.time(in: -60))"}"#
        }
        let list = "{\"scans\":[\(scans.joined(separator: ","))]}"
        var answers: [[String]] = []
        for _ in 0..<2 {
            let answer = try office.make("/api/v1/tickets/validate", list)
            answers.append(answer["results"].elements.map { $0["code"].string ?? "" })
        }
        try expect(answers[0].allSatisfy { $0 == "CHECKED_IN" } && answers[0].count == guests.count, "offline scans")
        try expect(answers[0] == answers[1], "a list of scans heard something else the second time")
        tell("\(guests.count) scans from a gate without network, sent twice, counted once")
    }
}
