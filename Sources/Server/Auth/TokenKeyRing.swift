import Auth
import Engine
import Glibc
import Synchronization

/// The keys that tokens are verified with, read again when their file changes.
final class TokenKeyRing: Sendable {
    private struct Current {
        var keys: TokenKeys
        var verifier: TokenVerifier
    }

    private struct Reading {
        /// The file that the keys are of.
        var used: FileVersion?
        /// That of the last look.
        var seen: FileVersion?
    }

    let file: String
    private let rules: TokenRules
    private let current: Mutex<Current>
    private let reading: Mutex<Reading>
    /// One more with every set of keys: what was accepted with earlier ones has to be verified again.
    private let latest = Atomic<UInt64>(0)

    /// - Throws: `TokenKeyError` when the file has no keys in it.
    init(file: String, rules: TokenRules) async throws(TokenKeyError) {
        self.file = file
        self.rules = rules
        // Looked at before it is read: a change in between is seen.
        let found = FileVersion(file)
        let keys = try await TokenKeys(file: file)
        current = Mutex(Current(keys: keys, verifier: TokenVerifier(keys: keys, rules: rules)))
        reading = Mutex(Reading(used: found, seen: found))
    }

    var generation: UInt64 { latest.load(ordering: .acquiring) }

    var verifier: TokenVerifier { current.withLock { $0.verifier } }

    var keys: TokenKeys { current.withLock { $0.keys } }

    /// Reads the file again if it is another one by now. It may be written bit by bit, so it is left alone until two looks
    /// in a row find it the same.
    /// - Parameter isForced: reads it at once, changed or not.
    /// - Returns: whether there are new keys; false where the file is as before.
    /// - Throws: what is wrong with the file; the keys from before stay, and the next look reads it again.
    func reload(isForced: Bool = false) async throws(TokenKeyError) -> Bool {
        let found = FileVersion(file)
        let isDue = reading.withLock { reading in
            let isSettled = reading.seen == found
            reading.seen = found
            return isForced || (isSettled && reading.used != found)
        }
        guard isDue else { return false }
        let keys = try await TokenKeys(file: file)
        let verifier = TokenVerifier(keys: keys, rules: rules)
        current.withLock { $0 = Current(keys: keys, verifier: verifier) }
        reading.withLock { $0.used = found }
        latest.add(1, ordering: .releasing)
        return true
    }
}

extension TokenKeyRing: StreamKeys {
    func has(_ key: UInt64) -> Bool { current.withLock { $0.verifier.has(key) } }
}
