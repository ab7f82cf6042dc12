import Foundation
import Testing

/// Every input of the corpora through the target that it belongs to, without the fuzzer: what was found once stays found.
@Suite struct CorpusTests {
    @Test(.timeLimit(.minutes(2)), arguments: FuzzTarget.allCases)
    func everyInputIsSound(of target: FuzzTarget) throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(components: "..", "Corpora", target.rawValue)
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        #expect(!names.isEmpty)
        for name in names {
            let input = try Data(contentsOf: folder.appending(component: name))
            #expect(throws: Never.self, "script/fuzz \(target.rawValue) Tests/Fuzz/Corpora/\(target.rawValue)/\(name)")
            {
                try input.withUnsafeBytes { try target.run($0) }
            }
        }
    }

    @Test(arguments: FuzzTarget.allCases)
    func everySeedIsSound(of target: FuzzTarget) {
        #expect(!target.seeds.isEmpty)
        for (number, seed) in target.seeds.enumerated() {
            #expect(throws: Never.self, "seed \(number)") { try seed.withUnsafeBytes { try target.run($0) } }
        }
    }
}
