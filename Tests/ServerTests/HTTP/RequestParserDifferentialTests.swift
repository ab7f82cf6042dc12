import CNIOLLHTTP
import Testing

@testable import Server

/// Holds our parser against llhttp, which NIOHTTP1 wraps: whatever we accept, llhttp must read in the same way.
@Suite struct RequestParserDifferentialTests {
    @Test(.timeLimit(.minutes(5)), arguments: [UInt64(1), 2, 3, 4])
    func acceptedBytesMeanTheSameToLLHTTP(seed: UInt64) {
        var random = SeededBytes(seed: seed)
        var accepted = 0
        var refused = 0
        for round in 0..<5_000 {
            var bytes = Array(Self.requests(&random).utf8)
            if round % 8 != 0 { bytes = random.mutate(bytes, alphabet: Self.alphabet) }
            let ours = ParsedRun(bytes)
            let inChunks = ParsedRun(bytes, chunk: { Int.random(in: 1...40, using: &random) })
            guard ours == inChunks else {
                Issue.record("seed \(seed), round \(round): chunks change the outcome of \(Self.show(bytes))")
                return
            }
            if let difference = Self.difference(ours, LLHTTPRun(bytes)) {
                Issue.record("seed \(seed), round \(round): \(difference) in \(Self.show(bytes))")
                return
            }
            accepted += ours.requests.count
            refused += ours.rejection == nil ? 0 : 1
        }
        // The generator must reach both sides, or the comparison says nothing.
        #expect(accepted > 3_000)
        #expect(refused > 1_000)
    }

    @Test func theComparisonCanFail() {
        let bytes = Array("GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        let theirs = LLHTTPRun(bytes)
        var ours = ParsedRun(bytes)
        #expect(Self.difference(ours, theirs) == nil)
        ours.requests[1].endOffset -= 1
        #expect(Self.difference(ours, theirs) != nil)
        ours.requests.removeLast()
        #expect(Self.difference(ours, theirs) != nil)
    }

    private static func difference(_ ours: ParsedRun, _ theirs: LLHTTPRun) -> String? {
        for (index, request) in ours.requests.enumerated() {
            // llhttp knows a fixed list of methods; we leave unknown ones to the routes, which refuse them.
            if HTTPMethod(text: request.method) == .other { return nil }
            guard index < theirs.requests.count else { return "llhttp refuses request \(index): \(theirs.error ?? "")" }
            var expected = theirs.requests[index]
            expected.keepAlive = request.keepAlive
            if request != expected { return "\(request) is \(expected) to llhttp" }
        }
        let isOpen = ours.rejection == nil && (ours.requests.last?.keepAlive ?? true)
        if isOpen, theirs.requests.count > ours.requests.count { return "llhttp sees a request that we do not" }
        return nil
    }

    private static func show(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self).debugDescription }

    private static let alphabet: [UInt8] =
        Array("\r\n \t:;,/?%#0123456789abcXYZ-_\"{}[]=+".utf8) + [0, 0x0B, 0x7F, 0x80, 0xFF]

    private static func requests(_ random: inout SeededBytes) -> String {
        (0..<Int.random(in: 1...3, using: &random)).map { _ in request(&random) }.joined()
    }

    private static func request(_ random: inout SeededBytes) -> String {
        let method = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"].randomElement(using: &random)!
        let target = ["/", "/a/b", "/api/v1/x?limit=1&c=%20", "/%2F?", "/a?b?c"].randomElement(using: &random)!
        let version = Int.random(in: 0..<12, using: &random) == 0 ? "HTTP/1.0" : "HTTP/1.1"
        var lines = ["\(method) \(target) \(version)", "Host: a:1"]
        let optional = [
            "Idempotency-Key: k-\(Int.random(in: 0...9, using: &random))", "X-Tenant-Id:t", "x-customer-id:  c ",
            "Content-Type: application/json", "If-Match: \"1\"", "If-None-Match: *", "Accept: */*", "X-Request-Id: r",
            "Authorization: Bearer a.b", "Connection: keep-alive", "Connection: close", "Last-Event-ID: 4",
            "X-Any: \t v",
            "Transfer-Encoding: chunked", "Cookie: a=b; c=d",
        ]
        for line in optional where Int.random(in: 0..<8, using: &random) == 0 { lines.append(line) }
        var body = ""
        if Int.random(in: 0..<2, using: &random) == 0 {
            body = String(repeating: "GET / ", count: Int.random(in: 0...4, using: &random))
            lines.insert("Content-Length: \(body.utf8.count)", at: Int.random(in: 1...lines.count, using: &random))
        }
        return lines.joined(separator: "\r\n") + "\r\n\r\n" + body
    }
}

/// What llhttp, as NIOHTTP1 sets it up, makes of a run of bytes.
private final class LLHTTPRun {
    private(set) var requests: [ParsedRequest] = []
    private(set) var error: String?
    private var target: [UInt8] = []
    private var fields: [(name: [UInt8], value: [UInt8])] = []
    private var isValue = true
    private var bodyBytes = 0

    init(_ bytes: [UInt8]) {
        var settings = llhttp_settings_t()
        c_nio_llhttp_settings_init(&settings)
        Self.setCallbacks(&settings)
        var parser = llhttp_t()
        withUnsafeMutablePointer(to: &settings) { settings in
            c_nio_llhttp_init(&parser, HTTP_REQUEST, settings)
            parser.data = Unmanaged.passUnretained(self).toOpaque()
            bytes.withUnsafeBytes { run(&parser, $0) }
        }
    }

    private func run(_ parser: inout llhttp_t, _ bytes: UnsafeRawBufferPointer) {
        var offset = 0
        while offset < bytes.count {
            let start = bytes.baseAddress! + offset
            let status = c_nio_llhttp_execute_swift(&parser, start, bytes.count - offset)
            if status == HPE_OK { return }
            let stop = UnsafeRawPointer(c_nio_llhttp_get_error_pos(&parser)!) - bytes.baseAddress!
            guard status == HPE_PAUSED || status == HPE_PAUSED_UPGRADE else {
                error = String(cString: c_nio_llhttp_get_error_reason(&parser))
                return
            }
            finishRequest(&parser, endOffset: stop)
            if status == HPE_PAUSED_UPGRADE { return }
            c_nio_llhttp_resume(&parser)
            offset = stop
        }
    }

    private func finishRequest(_ parser: inout llhttp_t, endOffset: Int) {
        var headers: [String: String] = [:]
        for (name, value) in fields {
            let name = String(decoding: name, as: UTF8.self).lowercased()
            guard ParsedRequest.fields.contains(where: { $0.0 == name }) else { continue }
            headers[name] = value.withUnsafeBytes { text($0.trimmed) }
        }
        let method = llhttp_method_t(UInt32(c_nio_llhttp_get_method(&parser)))
        requests.append(
            ParsedRequest(
                method: String(cString: c_nio_llhttp_method_name(method)),
                target: String(decoding: target, as: UTF8.self),
                headers: headers,
                bodyBytes: bodyBytes,
                endOffset: endOffset,
                keepAlive: true
            )
        )
    }

    private static func run(of parser: UnsafeMutablePointer<llhttp_t>?) -> LLHTTPRun {
        Unmanaged<LLHTTPRun>.fromOpaque(parser!.pointee.data).takeUnretainedValue()
    }

    private static func setCallbacks(_ settings: inout llhttp_settings_t) {
        settings.on_message_begin = { parser in
            let run = LLHTTPRun.run(of: parser)
            (run.target, run.fields, run.isValue, run.bodyBytes) = ([], [], true, 0)
            return 0
        }
        settings.on_url = { parser, at, count in
            LLHTTPRun.run(of: parser).target += UnsafeRawBufferPointer(start: at, count: count)
            return 0
        }
        settings.on_header_field = { parser, at, count in
            let run = LLHTTPRun.run(of: parser)
            if run.isValue { run.fields.append(([], [])) }
            run.isValue = false
            run.fields[run.fields.count - 1].name += UnsafeRawBufferPointer(start: at, count: count)
            return 0
        }
        settings.on_header_value = { parser, at, count in
            let run = LLHTTPRun.run(of: parser)
            run.isValue = true
            run.fields[run.fields.count - 1].value += UnsafeRawBufferPointer(start: at, count: count)
            return 0
        }
        settings.on_body = { parser, _, count in
            LLHTTPRun.run(of: parser).bodyBytes += count
            return 0
        }
        settings.on_message_complete = { _ in Int32(HPE_PAUSED.rawValue) }
    }
}

extension HTTPMethod {
    fileprivate init(text: String) {
        var text = text
        self = text.withUTF8 { HTTPMethod(name: UnsafeRawBufferPointer($0)) }
    }
}
