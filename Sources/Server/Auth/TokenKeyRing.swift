import Auth
import Engine
import Glibc
import Synchronization

/// The keys that tokens are verified with, read again when their file changes.
final class TokenKeyRing: Sendable {
    private let file: String
    private let rules: TokenRules
    private let current: Mutex<TokenVerifier>
    private let version: Mutex<FileVersion?>
    /// One more with every set of keys: what was accepted with earlier ones has to be verified again.
    private let latest = Atomic<UInt64>(0)

    /// - Throws: `TokenKeyError` when the file has no keys in it.
    init(file: String, rules: TokenRules) async throws {
        self.file = file
        self.rules = rules
        version = Mutex(FileVersion(file))
        current = Mutex(TokenVerifier(keys: try await TokenKeys(file: file), rules: rules))
    }

    var generation: UInt64 { latest.load(ordering: .acquiring) }

    var verifier: TokenVerifier { current.withLock { $0 } }

    /// Reads the file again if it is another one by now.
    /// - Returns: whether it was; false where it is as before.
    /// - Throws: `TokenKeyError`; the keys from before stay, and the file is tried again when it changes once more.
    func reload() async throws -> Bool {
        let found = FileVersion(file)
        let isSame = version.withLock { known in
            defer { known = found }
            return known == found
        }
        guard !isSame else { return false }
        let verifier = TokenVerifier(keys: try await TokenKeys(file: file), rules: rules)
        current.withLock { $0 = verifier }
        latest.add(1, ordering: .releasing)
        return true
    }
}
