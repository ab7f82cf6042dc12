import CFuzzer
import FuzzTargets
import Glibc

/// `Driver TARGET [options of libFuzzer] [corpus folder…]`, or `Driver --seeds TARGET FOLDER`, which writes the target's
/// own first inputs.
@main
enum Driver {
    static func main() {
        var arguments = CommandLine.arguments
        if arguments.count == 4, arguments[1] == "--seeds", let target = FuzzTarget(rawValue: arguments[2]) {
            return writeSeeds(of: target, into: arguments[3])
        }
        // libFuzzer starts this program again for some of its work, without what isn't an option of its own.
        if let inherited = getenv(environmentName).flatMap({ FuzzTarget(rawValue: String(cString: $0)) }) {
            arguments.insert(inherited.rawValue, at: 1)
        }
        guard arguments.count > 1, let target = FuzzTarget(rawValue: arguments[1]) else {
            let names = FuzzTarget.allCases.map(\.rawValue).joined(separator: " ")
            say("usage: Driver TARGET [libFuzzer's options]; targets: \(names)")
            exit(2)
        }
        chosen = target
        setenv(environmentName, target.rawValue, 1)
        arguments.remove(at: 1)
        var count = Int32(arguments.count)
        // libFuzzer keeps them until the process ends.
        var list = arguments.map { strdup($0) as UnsafeMutablePointer<CChar>? } + [nil]
        let status = list.withUnsafeMutableBufferPointer { buffer -> Int32 in
            var first = buffer.baseAddress
            return LLVMFuzzerRunDriver(&count, &first) { bytes, count in
                Driver.run(UnsafeRawBufferPointer(start: bytes, count: count))
                return 0
            }
        }
        exit(status)
    }

    private static let environmentName = "HOLDFAST_FUZZ_TARGET"

    // Sound: set before the fuzzer starts, and libFuzzer runs everything on one thread.
    nonisolated(unsafe) fileprivate static var chosen = FuzzTarget.http

    private static func run(_ bytes: UnsafeRawBufferPointer) {
        do {
            try chosen.run(bytes)
        } catch {
            // libFuzzer takes an abort for a crash, and keeps the input.
            say("\(chosen.rawValue): \(error)")
            abort()
        }
    }

    private static func say(_ sentence: String) {
        var line = sentence + "\n"
        line.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    private static func writeSeeds(of target: FuzzTarget, into folder: String) {
        for (number, seed) in target.seeds.enumerated() {
            guard let file = fopen("\(folder)/seed-\(number)", "w") else { exit(1) }
            _ = seed.withUnsafeBytes { fwrite($0.baseAddress, 1, $0.count, file) }
            fclose(file)
        }
    }
}

/// Called by libFuzzer in place of its own way to change an input: some targets know their inputs' structure.
@_cdecl("LLVMFuzzerCustomMutator")
func mutate(_ bytes: UnsafeMutablePointer<UInt8>, _ count: Int, _ countMax: Int, _ seed: UInt32) -> Int {
    guard Driver.chosen == .recovery else { return LLVMFuzzerMutate(bytes, count, countMax) }
    let buffer = UnsafeMutableRawBufferPointer(start: bytes, count: countMax)
    return RecordList.mutate(buffer, count: count, seed: seed) { part, count in
        LLVMFuzzerMutate(part.baseAddress!.assumingMemoryBound(to: UInt8.self), count, part.count)
    }
}
