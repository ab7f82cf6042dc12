import Auth
import Engine
import Glibc
import Synchronization

/// The keys that tokens are verified with, read again when their file changes.
final class TokenKeyRing: Sendable {
    /// A file as it was when it was read.
    private struct Version: Equatable {
        var device: UInt64
        var inode: UInt64
        var bytes: Int64
        var modifiedSeconds: Int
        var modifiedNanoseconds: Int
    }

    private let file: String
    private let rules: TokenRules
    private let current: Mutex<TokenVerifier>
    private let version: Mutex<Version?>
    /// One more with every set of keys: what was accepted with earlier ones has to be verified again.
    private let latest = Atomic<UInt64>(0)

    /// - Throws: `TokenKeyError` when the file has no keys in it.
    init(file: String, rules: TokenRules) async throws {
        self.file = file
        self.rules = rules
        version = Mutex(Self.version(of: file))
        current = Mutex(TokenVerifier(keys: try await TokenKeys(file: file), rules: rules))
    }

    var generation: UInt64 { latest.load(ordering: .acquiring) }

    var verifier: TokenVerifier { current.withLock { $0 } }

    /// Reads the file again if it is another one by now.
    /// - Returns: whether it was; false where it is as before.
    /// - Throws: `TokenKeyError`; the keys from before stay, and the file is tried again when it changes once more.
    func reload() async throws -> Bool {
        let found = Self.version(of: file)
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

    private static func version(of file: String) -> Version? {
        var status = stat()
        guard stat(file, &status) == 0 else { return nil }
        return Version(
            device: UInt64(status.st_dev),
            inode: UInt64(status.st_ino),
            bytes: Int64(status.st_size),
            modifiedSeconds: status.st_mtim.tv_sec,
            modifiedNanoseconds: status.st_mtim.tv_nsec
        )
    }
}
