import Foundation
import Testing

@testable import Server

/// An event's stock as a stream, as clients hear it.
@Suite(.serialized, .timeLimit(.minutes(1))) struct AvailabilityStreamTests {
    @Test(arguments: [1, 2])
    func theStateComesFirstAndThenWhatChanges(_ shards: Int) async throws {
        try await SaleServer.run(shards: shards) { server in
            try server.putOnSale("gala", places: 100)
            try server.addSections("gala", ["box"], places: 10)
            // On both loops, whichever owns the event.
            let streams = [try server.stream("gala"), try server.stream("gala")]
            for stream in streams {
                #expect(stream.head.status == 200 && stream.isStream)
                #expect(stream.head.headers["cache-control"] == "no-store")
                #expect(stream.head.headers["connection"] == "close")
                let state = try stream.some()
                #expect(state.name == "state")
                #expect(try state.available() == ["gala": 100, "box": 10])
                #expect(try state.json()["event_id"] as? String == "gala")
            }
            try server.reserve("box", places: 4)
            var last = 0
            for stream in streams {
                let change = try stream.some()
                #expect(change.name == "change")
                #expect(try change.available() == ["box": 6])
                last = try #require(Int(change.id))
            }
            try server.addSections("gala", ["new"], places: 7)
            for stream in streams {
                let change = try stream.some()
                #expect(try change.available() == ["new": 7])
                #expect(try #require(Int(change.id)) > last)
            }
        }
    }

    /// A command that changes no stock is no event.
    @Test func whatChangesNoStockIsNotTold() async throws {
        try await SaleServer.run { server in
            try server.putOnSale("gala", places: 3)
            let stream = try server.stream("gala")
            _ = try stream.some()
            let client = try server.connect()
            _ = try client.post("/api/v1/capacity/gala/reserve", #"{"quantity":9}"#, key: "refused")
            #expect(stream.client.isSilent(milliseconds: 600))
        }
    }

    @Test func changesAreGatheredToFourASecond() async throws {
        try await SaleServer.run(shards: 2) { server in
            try server.putOnSale("gala", places: 1_000)
            let stream = try server.stream("gala")
            _ = try stream.some()
            let began = ContinuousClock.now
            let client = try server.connect()
            for _ in 0..<300 {
                let reply = try client.post("/api/v1/capacity/gala/reserve", #"{"quantity":1}"#)
                #expect(reply.status == 200)
                try await Task.sleep(for: .milliseconds(3))
            }
            let events = try stream.read(until: "gala", has: 700)
            let quarters = Double((ContinuousClock.now - began) / .milliseconds(250))
            #expect(Double(events.count) <= quarters + 2)
            #expect(events.count >= 2)
            let ids = events.compactMap { Int($0.id) }
            #expect(ids == ids.sorted() && Set(ids).count == ids.count)
            #expect(stream.client.isSilent(milliseconds: 400))
        }
    }

    @Test func whoComesBackGetsTheStateAlsoAfterAStart() async throws {
        let folder = SaleServer.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (id, end) = try await SaleServer.run(folder: folder, shards: 2) { server in
            try server.putOnSale("gala", places: 100)
            let stream = try server.stream("gala")
            _ = try stream.some()
            try server.reserve("gala", places: 10)
            return (try stream.some().id, stream)
        }
        // The stop has ended the stream as its coding says, not just the connection.
        #expect(try end.next() == nil)
        #expect(end.hasEnded)
        try await SaleServer.run(folder: folder, shards: 1) { server in
            let stream = try server.stream("gala", fields: "Last-Event-ID: \(id)\r\n")
            let state = try stream.some()
            #expect(state.name == "state")
            #expect(try state.available() == ["gala": 90])
            #expect(try #require(Int(state.id)) >= #require(Int(id)))
            try server.reserve("gala", places: 1)
            let change = try stream.some()
            #expect(try change.available() == ["gala": 89])
            #expect(try #require(Int(change.id)) > #require(Int(state.id)))
        }
    }

    @Test func anOldClientReadsToTheEndOfTheConnection() async throws {
        try await SaleServer.run { server in
            try server.putOnSale("gala", places: 100)
            let stream = try EventStream(server, "/api/v1/events/gala/availability/stream", version: "1.0")
            #expect(stream.head.headers["transfer-encoding"] == nil)
            #expect(try stream.some().name == "state")
            try server.reserve("gala", places: 4)
            #expect(try stream.some().available() == ["gala": 96])
        }
    }

    /// What a state shows waits for the disk like every answer, and its id is a position that is durable.
    @Test func nothingIsToldThatACrashCouldTakeBack() async throws {
        let device = GatedDevice()
        try await SaleServer.run(shards: 2, device: device) { server in
            try server.putOnSale("gala", places: 100)
            let stream = try server.stream("gala")
            let state = try stream.some()
            device.close()
            let buyer = try server.connect()
            try buyer.sendPost("/api/v1/capacity/gala/reserve", #"{"quantity":5}"#)
            try await Task.sleep(for: .milliseconds(100))
            let late = try server.connect()
            try late.send("GET /api/v1/events/gala/availability/stream HTTP/1.1\r\nHost: test\r\n\r\n")
            let reader = try server.connect()
            try reader.send("GET /api/v1/events/gala/availability HTTP/1.1\r\nHost: test\r\n\r\n")
            #expect(stream.client.isSilent(milliseconds: 700))
            #expect(buyer.isSilent(milliseconds: 1) && reader.isSilent(milliseconds: 1))
            // On the loop that is told already what was durable before; on the other nothing yet.
            if !late.isSilent(milliseconds: 1) {
                let early = try EventStream(late)
                #expect(try early.some() == state)
                device.open()
                #expect(try early.some().available() == ["gala": 95])
            } else {
                device.open()
                #expect(try EventStream(late).some().available() == ["gala": 95])
            }
            #expect(try buyer.next().status == 200)
            #expect(try reader.next().body.contains("\"available\":95"))
            let change = try stream.some()
            #expect(try change.available() == ["gala": 95])
            #expect(try #require(Int(change.id)) > #require(Int(state.id)))
        }
    }

    /// As the order of changes would have it, for hundreds on two loops, and all of them are let go of.
    @Test func hundredsListen() async throws {
        try await SaleServer.run(shards: 2) { server in
            try server.putOnSale("gala", places: 1_000)
            var streams = try (0..<300).map { _ in try server.stream("gala") }
            try await server.streams(are: 300)
            for _ in 0..<20 { try server.reserve("gala", places: 5) }
            for stream in streams {
                let events = try stream.read(until: "gala", has: 900)
                #expect(events[0].name == "state" && events.dropFirst().allSatisfy { $0.name == "change" })
                let counts = try events.compactMap { try $0.available()["gala"] }
                #expect(counts == counts.sorted(by: >))
            }
            streams.removeAll()
            try await server.streams(are: 0)
            #expect(try server.connect().get("/metrics").body.contains("\nholdfast_streams 0\n"))
            // Nobody listens, then somebody does again.
            try server.reserve("gala", places: 5)
            #expect(try server.stream("gala").some().available() == ["gala": 895])
        }
    }
}
