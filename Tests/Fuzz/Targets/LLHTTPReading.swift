import CNIOLLHTTP

/// What llhttp, as NIOHTTP1 sets it up, makes of a run of bytes.
final class LLHTTPReading {
    struct Request {
        var method: [UInt8] = []
        var target: [UInt8] = []
        /// In the order of the bytes; names in lowercase, values without the blanks around them.
        var fields: [(name: String, value: [UInt8])] = []
        var body: [UInt8] = []
        var endOffset = 0
    }

    private(set) var requests: [Request] = []
    /// Why it reads no further.
    private(set) var error: String?
    private var request = Request()
    private var name: [UInt8] = []
    private var value: [UInt8] = []
    private var isValue = false

    init(_ input: UnsafeRawBufferPointer) {
        var settings = llhttp_settings_t()
        c_nio_llhttp_settings_init(&settings)
        Self.setCallbacks(&settings)
        var parser = llhttp_t()
        withUnsafeMutablePointer(to: &settings) { settings in
            c_nio_llhttp_init(&parser, HTTP_REQUEST, settings)
            parser.data = Unmanaged.passUnretained(self).toOpaque()
            run(&parser, input)
        }
    }

    private func run(_ parser: inout llhttp_t, _ input: UnsafeRawBufferPointer) {
        var offset = 0
        while offset < input.count {
            let status = c_nio_llhttp_execute_swift(&parser, input.baseAddress! + offset, input.count - offset)
            if status == HPE_OK { return }
            guard status == HPE_PAUSED || status == HPE_PAUSED_UPGRADE else {
                error = String(cString: c_nio_llhttp_get_error_reason(&parser))
                return
            }
            offset = UnsafeRawPointer(c_nio_llhttp_get_error_pos(&parser)!) - input.baseAddress!
            let method = llhttp_method_t(UInt32(c_nio_llhttp_get_method(&parser)))
            request.method = Array(String(cString: c_nio_llhttp_method_name(method)).utf8)
            request.endOffset = offset
            requests.append(request)
            if status == HPE_PAUSED_UPGRADE { return }
            c_nio_llhttp_resume(&parser)
        }
    }

    private func endField() {
        guard isValue || !name.isEmpty else { return }
        let trimmed = value.withUnsafeBytes { bytes -> [UInt8] in
            let isBlank = { (byte: UInt8) in byte == 0x20 || byte == 0x09 }
            return Array(bytes.drop(while: isBlank).reversed().drop(while: isBlank).reversed())
        }
        request.fields.append((String(decoding: name, as: UTF8.self).lowercased(), trimmed))
        (name, value, isValue) = ([], [], false)
    }

    private static func reading(of parser: UnsafeMutablePointer<llhttp_t>?) -> LLHTTPReading {
        Unmanaged<LLHTTPReading>.fromOpaque(parser!.pointee.data).takeUnretainedValue()
    }

    private static func setCallbacks(_ settings: inout llhttp_settings_t) {
        settings.on_message_begin = { parser in
            let reading = LLHTTPReading.reading(of: parser)
            (reading.request, reading.name, reading.value, reading.isValue) = (Request(), [], [], false)
            return 0
        }
        settings.on_url = { parser, at, count in
            LLHTTPReading.reading(of: parser).request.target += UnsafeRawBufferPointer(start: at, count: count)
            return 0
        }
        settings.on_header_field = { parser, at, count in
            let reading = LLHTTPReading.reading(of: parser)
            if reading.isValue { reading.endField() }
            reading.name += UnsafeRawBufferPointer(start: at, count: count)
            return 0
        }
        settings.on_header_value = { parser, at, count in
            let reading = LLHTTPReading.reading(of: parser)
            reading.isValue = true
            reading.value += UnsafeRawBufferPointer(start: at, count: count)
            return 0
        }
        settings.on_headers_complete = { parser in
            LLHTTPReading.reading(of: parser).endField()
            return 0
        }
        settings.on_body = { parser, at, count in
            LLHTTPReading.reading(of: parser).request.body += UnsafeRawBufferPointer(start: at, count: count)
            return 0
        }
        settings.on_message_complete = { _ in Int32(HPE_PAUSED.rawValue) }
    }
}
