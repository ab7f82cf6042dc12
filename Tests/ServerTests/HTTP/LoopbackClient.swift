import Glibc

/// A blocking client on the loopback interface that sends exactly the bytes it is told to.
class LoopbackClient {
    struct Failure: Error { let call: String }

    struct Reply: Equatable {
        var status: Int
        var headers: [String: String]
        var body: String
    }

    private let descriptor: Int32
    var received: [UInt8] = []
    /// Is told of every answer and of the request that it is to, as long as requests are sent one by one and whole.
    var onReply: ((_ method: String, _ target: String, Reply) -> Void)?
    private var asked: [(method: String, target: String)] = []

    /// - Parameter receiveBufferBytes: what the kernel takes in before the peer must wait; nil for the default.
    init(port: Int, receiveBufferBytes: Int32? = nil) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw Failure(call: "socket") }
        if var bytes = receiveBufferBytes {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, socklen_t(MemoryLayout<Int32>.size))
        }
        var patience = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, size) }
        }
        guard status == 0 else { throw Failure(call: "connect") }
    }

    deinit { close(descriptor) }

    func send(_ text: String) throws {
        note(text)
        try sendBytes(Array(text.utf8))
    }

    final func sendBytes(_ all: [UInt8]) throws {
        var bytes = all[...]
        while !bytes.isEmpty {
            let sent = bytes.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard sent > 0 else { throw Failure(call: "send") }
            bytes = bytes.dropFirst(sent)
        }
    }

    private func note(_ text: String) {
        guard onReply != nil else { return }
        let line = text.prefix { $0 != "\r\n" }.split(separator: " ")
        guard text.components(separatedBy: " HTTP/1.").count == 2, line.count == 3, text.contains("\r\n\r\n") else {
            onReply = nil
            return
        }
        asked.append((String(line[0]), String(line[1])))
    }

    func endSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// The next reply; nil when the server has closed instead.
    func receive(hasBody: Bool = true) throws -> Reply? {
        while true {
            if let reply = takeReply(hasBody: hasBody) { return reply }
            guard try receiveMore() else { return nil }
        }
    }

    /// Whether the server closes without another byte.
    func isClosedByServer() throws -> Bool {
        guard received.isEmpty else { return false }
        return try !receiveMore()
    }

    /// Whether nothing comes for a while.
    func isSilent(milliseconds: Int32) -> Bool {
        guard received.isEmpty else { return false }
        var interest = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&interest, 1, milliseconds) == 0
    }

    /// Waits for more bytes and adds them to `received`; false when the server has closed.
    func receiveMore() throws -> Bool {
        let bytes = try receiveBytes()
        received += bytes
        return !bytes.isEmpty
    }

    /// The next bytes as they come; none when the server has closed.
    final func receiveBytes() throws -> [UInt8] {
        var chunk = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &chunk, chunk.count, 0)
        guard count >= 0 else { throw Failure(call: "recv: \(errno)") }
        return Array(chunk[..<count])
    }

    private func takeReply(hasBody: Bool) -> Reply? {
        let end = Array("\r\n\r\n".utf8)
        guard let headEnd = received.indices.first(where: { received[$0...].starts(with: end) }) else { return nil }
        var lines = String(decoding: received[..<headEnd], as: UTF8.self).split(separator: "\r\n")
        let first = lines.removeFirst()
        // Whatever comes before the line of the status would be an answer to nothing.
        let status = first.hasPrefix("HTTP/1.1 ") ? Int(first.split(separator: " ")[1]) ?? 0 : 0
        var headers: [String: String] = [:]
        for line in lines {
            let colon = line.firstIndex(of: ":")!
            headers[line[..<colon].lowercased()] = String(line[line.index(after: colon)...].drop { $0 == " " })
        }
        let bodyBytes = hasBody ? Int(headers["content-length"] ?? "0")! : 0
        guard received.count >= headEnd + 4 + bodyBytes else { return nil }
        let body = String(decoding: received[(headEnd + 4)..<(headEnd + 4 + bodyBytes)], as: UTF8.self)
        received.removeFirst(headEnd + 4 + bodyBytes)
        let reply = Reply(status: status, headers: headers, body: body)
        if let onReply, !asked.isEmpty {
            let request = asked.removeFirst()
            onReply(request.method, request.target, reply)
        }
        return reply
    }
}
