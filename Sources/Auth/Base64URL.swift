import Foundation

/// base64url without padding (RFC 7515, 2), strictly: one text for the same bytes, so that a token has one spelling.
enum Base64URL {
    static func decode(_ text: some Collection<UInt8>) -> Data? {
        var translated: [UInt8] = []
        translated.reserveCapacity(text.count + 3)
        for character in text {
            switch character {
            case UInt8(ascii: "-"): translated.append(UInt8(ascii: "+"))
            case UInt8(ascii: "_"): translated.append(UInt8(ascii: "/"))
            case UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "="): return nil
            default: translated.append(character)
            }
        }
        guard translated.count % 4 != 1 else { return nil }
        while translated.count % 4 != 0 { translated.append(UInt8(ascii: "=")) }
        guard let data = Data(base64Encoded: Data(translated)) else { return nil }
        // The last character's unused bits may be set without changing the bytes: another spelling of the same.
        return data.base64EncodedData().elementsEqual(translated) ? data : nil
    }

    static func encode(_ data: some DataProtocol) -> String {
        var text = Data(data).base64EncodedString()
        text.removeAll { $0 == "=" }
        return String(text.map { $0 == "+" ? "-" : $0 == "/" ? "_" : $0 })
    }
}
