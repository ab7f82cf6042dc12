import Foundation
import Testing

@testable import Server

/// Broken documents must be refused, never crash, and whatever we accept another parser must accept as well.
@Suite struct JSONMutationTests {
    @Test(.timeLimit(.minutes(5)), arguments: [UInt64(1), 2, 3, 4])
    func acceptedDocumentsAreJSON(seed: UInt64) {
        var random = SeededBytes(seed: seed)
        var accepted = 0
        for _ in 0..<5_000 {
            let bytes = random.mutate(Self.documents.randomElement(using: &random)!, alphabet: Self.alphabet)
            let isAccepted = bytes.withUnsafeBytes { bytes in
                var reader = JSONReader(bytes)
                guard let raw = try? reader.readRaw(), (try? reader.finish()) != nil else { return false }
                return !raw.isEmpty
            }
            guard isAccepted else { continue }
            accepted += 1
            // Foundation refuses numbers beyond a Double, which are JSON nevertheless.
            if Self.hasLargeExponent(bytes) { continue }
            let isJSON = (try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)) != nil
            guard isJSON else {
                Issue.record("seed \(seed): \(String(decoding: bytes, as: UTF8.self).debugDescription) is no JSON")
                return
            }
        }
        #expect(accepted > 500)
    }

    @Test func stringsMeanTheSameToFoundation() throws {
        var random = SeededBytes(seed: 7)
        let parts = [
            "a", "é", "🎫", "\\n", "\\u00e9", "\\ud83c\\udfab", "\\\"", "\\\\", "\\u0000", "/", "\\/", "plain text",
        ]
        for _ in 0..<500 {
            let content = (0..<Int.random(in: 0...12, using: &random)).map { _ in parts.randomElement(using: &random)! }
            let document = "\"\(content.joined())\""
            let ours = try readJSON(document) { try $0.readString().makeString() }
            let theirs = try JSONSerialization.jsonObject(with: Data(document.utf8), options: .fragmentsAllowed)
            #expect(ours == theirs as? String)
            var writer = ByteWriter()
            writer.string(ours)
            let again = writer.withBytes { String(decoding: $0, as: UTF8.self) }
            #expect(try readJSON(again) { try $0.readString().makeString() } == ours)
        }
    }

    private static func hasLargeExponent(_ bytes: [UInt8]) -> Bool {
        bytes.indices.contains { start in
            guard bytes[start] | 0x20 == UInt8(ascii: "e") else { return false }
            let exponent = bytes[(start + 1)...].drop { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "-") }
            return exponent.prefix { $0.isDigit }.count >= 3
        }
    }

    private static let documents: [[UInt8]] = [
        "{\"quantity\":2,\"pricing_id\":\"prc_1\",\"customer_id\":null}",
        "{\"items\":[{\"capacity_id\":\"sec_1\",\"seats\":[\"A\\u002d1\",\"é\"]},{\"quantity\":10}],\"a\":-1.25e2}",
        "[true,false,null,0,-0.5,\"\\ud83c\\udfab\",{},[]]",
        " \"a string long enough for the scan of eight bytes\" ",
        "123456.75",
    ].map { Array($0.utf8) }

    private static let alphabet: [UInt8] =
        Array("{}[]:,\"\\ \n\t0123456789-+.eEutrfalsn/".utf8) + [0, 0x1F, 0x7F, 0x80, 0xC3, 0xED, 0xF0, 0xFF]
}
