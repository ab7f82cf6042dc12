import Glibc
import NIOCore
import Synchronization
import Testing

@testable import Loop

@Suite(.serialized, .timeLimit(.minutes(1))) struct RingLoopTests {
    private func withLoop<R>(_ body: (RingLoop) async throws -> R) async throws -> R {
        let loop = try RingLoop.start(number: 0)
        defer { loop.stop() }
        return try await body(loop)
    }

    @Test func workFromOtherThreadsRunsInItsOrder() async throws {
        try await withLoop { loop in
            let seen = Mutex<[Int]>([])
            for number in 0..<10_000 { loop.execute { seen.withLock { $0.append(number) } } }
            try await loop.submit {}.get()
            #expect(seen.withLock { $0 } == Array(0..<10_000))
        }
    }

    @Test func timersRunInTheOrderOfTheirDeadlinesAndNotWhenCancelled() async throws {
        try await withLoop { loop in
            let seen = Mutex<[Int]>([])
            let late = loop.scheduleTask(in: .milliseconds(30)) { seen.withLock { $0.append(3) } }
            let never = loop.scheduleTask(in: .milliseconds(20)) { seen.withLock { $0.append(2) } }
            _ = loop.scheduleTask(in: .milliseconds(10)) { seen.withLock { $0.append(1) } }
            never.cancel()
            try await late.futureResult.get()
            #expect(seen.withLock { $0 } == [1, 3])
        }
    }

    @Test func aJobOfAnActorOnTheLoopRunsThere() async throws {
        actor Owner {
            let loop: RingLoop
            nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
            init(_ loop: RingLoop) { self.loop = loop }
            func isAtHome() -> Bool { loop.inEventLoop }
        }
        try await withLoop { loop in #expect(await Owner(loop).isAtHome()) }
    }

    /// Returns what it gets; stops receiving while it sends, as a server does whose peer doesn't read.
    private final class Echo: StreamHandler {
        let stream: SocketStream
        let closedOnes: Mutex<Int>
        private var waiting: [UInt8] = []
        private var sending: [UInt8] = []
        private var hasEnded = false

        init(_ stream: SocketStream) {
            self.stream = stream
            closedOnes = Mutex(0)
        }

        func received(_ bytes: UnsafeRawBufferPointer) {
            waiting.append(contentsOf: bytes)
            if stream.isSending { stream.stopReceiving() } else { send() }
        }

        func receiveEnded() {
            hasEnded = true
            if !stream.isSending { stream.close() }
        }

        func sent() {
            sending = []
            if waiting.isEmpty {
                if hasEnded { stream.close() } else { stream.startReceiving() }
            } else {
                send()
            }
        }

        func closed() { closedOnes.withLock { $0 += 1 } }

        private func send() {
            swap(&waiting, &sending)
            // Stays where it is until `sent`: nothing touches `sending` before.
            sending.withUnsafeBytes { stream.send($0) }
        }
    }

    @Test(arguments: [1, 4_096, 3_000_000]) func everythingSentComesBack(byteCount: Int) async throws {
        var ends: [Int32] = [0, 0]
        #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
        let (near, far) = (ends[0], ends[1])
        try await withLoop { loop in
            let handler = try await loop.submit {
                let stream = SocketStream(descriptor: far, loop: loop)
                let handler = Echo(stream)
                stream.open(handler)
                return NIOLoopBound(handler, eventLoop: loop)
            }.get()
            let sent = (0..<byteCount).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 9) }
            let received = exchange(sent, near)
            #expect(received == sent)
            shutdown(near, Int32(SHUT_WR))
            var byte: UInt8 = 0
            #expect(recv(near, &byte, 1, 0) == 0, "the stream closes when its peer has nothing more to say")
            #expect(try await loop.submit { handler.value.closedOnes.withLock { $0 } }.get() == 1)
            close(near)
        }
    }

    /// Sends without reading for as long as that goes, then reads.
    private func exchange(_ bytes: [UInt8], _ descriptor: Int32) -> [UInt8] {
        var received: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        var offset = 0
        while received.count < bytes.count {
            let isFull =
                offset == bytes.count
                || bytes[offset...].withUnsafeBytes {
                    let count = send(descriptor, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT))
                    offset += max(0, count)
                    return count <= 0
                }
            guard isFull else { continue }
            let count = recv(descriptor, &chunk, chunk.count, 0)
            guard count > 0 else { return received }
            received += chunk[..<count]
        }
        return received
    }

    /// A name is not believed: the address that it leads to is looked at.
    @Test func withoutTokensOnlyThisMachineReachesIt() throws {
        for host in ["0.0.0.0", "::"] {
            #expect(throws: ListenError.self) {
                _ = try ListeningSocket(host: host, port: 0, isLoopbackOnly: true, backlog: 1) { _ in }
            }
            #expect(throws: ListenError.self) {
                try ListeningSocket.check(host: host, port: 0, isLoopbackOnly: true)
            }
        }
        #expect(try ListeningSocket(host: "127.0.0.2", port: 0, isLoopbackOnly: true, backlog: 1) { _ in }.port > 0)
        #expect(try ListeningSocket(host: "0.0.0.0", port: 0, backlog: 1) { _ in }.port > 0)
    }

    @Test func aPortThatIsTakenIsNamed() throws {
        let first = try ListeningSocket(host: "127.0.0.1", port: 0, backlog: 1) { _ in }
        let error = #expect(throws: ListenError.self) {
            _ = try ListeningSocket(host: "127.0.0.1", port: first.port, backlog: 1) { _ in }
        }
        #expect(error?.description.contains("127.0.0.1:\(first.port)") == true)
        #expect(error?.description.contains("--port") == true)
    }
}
