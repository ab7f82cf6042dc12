import Foundation

/// What a file of keys has in it, told by its bytes alone.
///
/// What isn't surely a secret is none: a public key that passed for one would let everybody who has it sign tokens.
enum TokenKeyFile: Equatable {
    /// Without the end of its line.
    case secret([UInt8])
    case pem(String)
    case set(String)

    private static let howToMakeOne = "a secret is one line of visible ASCII, as from: head -c 32 /dev/urandom | base64"

    init(_ bytes: [UInt8]) throws(TokenKeyError) {
        guard !bytes.starts(with: [0xEF, 0xBB, 0xBF]) else {
            throw .unreadable("it begins with a byte order mark; save it without one")
        }
        let text = String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        if text.split(whereSeparator: \.isNewline).contains(where: Self.beginsBlock) {
            self = .pem(text)
        } else if text.hasPrefix("{") {
            self = .set(text)
        } else {
            let end = bytes.lastIndex { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") } ?? -1
            self = .secret(try Self.checked(Array(bytes[..<(end + 1)])))
        }
    }

    // MARK: - PEM

    private static func beginsBlock(_ line: Substring) -> Bool {
        line.drop(while: \.isWhitespace).hasPrefix("-----BEGIN")
    }

    /// The one key of a text in PEM; comments and attributes around it (RFC 7468, 2) are no part of it.
    static func key(inPEM text: String) throws(TokenKeyError) -> String {
        var blocks: [[String]] = []
        var lines: [String]?
        for line in text.split(whereSeparator: \.isNewline) {
            if beginsBlock(line) { lines = [] }
            let line = line.trimmingCharacters(in: .whitespaces)
            lines?.append(line)
            guard line.hasPrefix("-----END"), let block = lines else { continue }
            blocks.append(block)
            lines = nil
        }
        // openssl writes the name of the curve before the key.
        blocks.removeAll { $0[0].hasPrefix("-----BEGIN EC PARAMETERS") }
        guard let block = blocks.first else { throw .unreadable("it has no whole key in PEM") }
        guard blocks.count == 1 else {
            throw .unreadable(
                "it has \(blocks.count) things in PEM; one key is wanted, several go into a JSON Web Key Set"
            )
        }
        return block.joined(separator: "\n") + "\n"
    }

    // MARK: - Secret

    private static func checked(_ bytes: [UInt8]) throws(TokenKeyError) -> [UInt8] {
        guard !bytes.contains(where: { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }) else {
            throw .unreadable("it has several lines, and none of them begins a key in PEM; \(howToMakeOne)")
        }
        guard bytes.allSatisfy({ (0x20...0x7E).contains($0) }) else {
            throw .unreadable(
                "it has bytes that are no visible ASCII; a key in DER has to be converted to PEM, and \(howToMakeOne)"
            )
        }
        let text = String(decoding: bytes, as: UTF8.self)
        guard !text.hasPrefix("["), !text.hasPrefix("\"") else {
            throw .unreadable("it looks like JSON, and is no JSON Web Key Set; \(howToMakeOne)")
        }
        guard !text.contains("-----BEGIN"), !text.hasPrefix("ssh-"), !text.hasPrefix("ecdsa-sha2-"), !isEncodedKey(text)
        else { throw .unreadable("it looks like a key without the lines of PEM; \(howToMakeOne)") }
        return bytes
    }

    /// Whether base64 hides DER, PEM or a key set: what key servers show of public keys, and how secrets are stored for
    /// containers. Of the random bytes of a secret one in millions looks like that.
    private static func isEncodedKey(_ text: String) -> Bool {
        var translated = String(text.map { $0 == "-" ? "+" : $0 == "_" ? "/" : $0 })
        translated += String(repeating: "=", count: (4 - translated.count % 4) % 4)
        guard let data = Data(base64Encoded: translated), data.count > 4 else { return false }
        let bytes = [UInt8](data)
        if data.range(of: Data("-----BEGIN".utf8)) != nil || data.range(of: Data("\"kty\"".utf8)) != nil { return true }
        return isDER(bytes)
    }

    /// Whether it is one SEQUENCE as long as the bytes, of another SEQUENCE or an INTEGER: what every key begins with.
    private static func isDER(_ bytes: [UInt8]) -> Bool {
        guard bytes[0] == 0x30 else { return false }
        let lengthBytes = bytes[1] < 0x80 ? 0 : Int(bytes[1] & 0x7F)
        let start = 2 + lengthBytes
        guard lengthBytes <= 3, bytes.count > start else { return false }
        let length = lengthBytes == 0 ? Int(bytes[1]) : bytes[2..<start].reduce(0) { $0 << 8 | Int($1) }
        return start + length == bytes.count && (bytes[start] == 0x30 || bytes[start] == 0x02)
    }
}
