import Foundation
import Testing

/// ARCHITECTURE.md says for each fault which test makes it happen: the names must be those of tests and scripts.
@Suite struct FaultTableTests {
    /// Beside `Tests`, also where that is a link.
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .resolvingSymlinksInPath().deletingLastPathComponent()

    @Test func everyNameInTheTablesExists() throws {
        let document = try String(contentsOf: Self.root.appending(path: "ARCHITECTURE.md"), encoding: .utf8)
        let table = FaultTable(of: document)
        let sources = try TestSources(under: Self.root)
        #expect(table.sections.contains("The disk"))
        #expect(table.rows.count > 20)
        for problem in table.problems(with: sources) { Issue.record("ARCHITECTURE.md: \(problem)") }
    }

    /// The control: names that don't exist, rows without a name, and rows of another shape are found out.
    @Test func tableThatWentStaleIsFoundOut() throws {
        let document = """
            ## Faults and their outcomes
            ### The disk
            | fault | outcome | test |
            |---|---|---|
            | a | b | `FaultTableTests/everyNameInTheTablesExists` |
            | a | b | `FaultTableTests/neverWritten` |
            | a | b | `NeverWrittenTests/everyNameInTheTablesExists` |
            | a | b | `TornTailTests/everyNameInTheTablesExists` |
            | a | b | `script/test` |
            | a | b | `script/neverWritten --loudly` |
            | a | b | `TornTailTests` in `Tests/WALTests` |
            | a | b | `NeverWrittenTests` in `Tests/Nowhere` |
            | a | b | by hand |
            | a `|` b | c | `script/test` |
            ## Something else
            | a | b | `FaultTableTests/neverWritten` |
            """
        let problems = FaultTable(of: document).problems(with: try TestSources(under: Self.root))
        #expect(problems.count == 8, "\(problems)")
    }
}

/// The rows of the tables in the section about faults.
private struct FaultTable {
    private(set) var sections: [String] = []
    private(set) var rows: [[String]] = []

    init(of document: String) {
        var isInside = false
        for line in document.split(separator: "\n") {
            if line.hasPrefix("## ") { isInside = line == "## Faults and their outcomes" }
            guard isInside else { continue }
            if line.hasPrefix("### ") { sections.append(String(line.dropFirst(4))) }
            guard line.hasPrefix("|"), !line.hasPrefix("|---"), !line.hasPrefix("| fault |") else { continue }
            let cells = line.split(separator: "|", omittingEmptySubsequences: false).dropFirst().dropLast()
            rows.append(cells.map { $0.trimmingCharacters(in: .whitespaces) })
        }
    }

    func problems(with sources: TestSources) -> [String] {
        rows.flatMap { row -> [String] in
            guard row.count == 3 else { return ["\(row) has \(row.count) cells instead of three"] }
            let names = row[2].split(separator: "`", omittingEmptySubsequences: false).enumerated()
                .filter { $0.offset % 2 == 1 }.map { String($0.element) }
            if names.isEmpty { return ["\"\(row[0])\" names neither a test nor a script"] }
            return names.filter { !sources.has($0) }.map { "\"\(row[0])\" names \($0), which doesn't exist" }
        }
    }
}

/// What tests and scripts the repository has.
private struct TestSources {
    private let root: URL
    /// "Suite/test" of every function in a suite, and "Suite".
    private var tests: Set<String> = []

    init(under root: URL) throws {
        self.root = root
        let files = FileManager.default.enumerator(at: root.appending(path: "Tests"), includingPropertiesForKeys: nil)
        for case let file as URL in try #require(files) where file.pathExtension == "swift" {
            try add(String(contentsOf: file, encoding: .utf8))
        }
    }

    private mutating func add(_ source: String) {
        var suite = ""
        for line in source.split(separator: "\n") {
            if !line.hasPrefix(" "), let name = word(after: "struct ", in: line) ?? word(after: "extension ", in: line)
            {
                suite = name
            }
            if let name = word(after: "func ", in: line), !suite.isEmpty {
                tests.formUnion([suite, "\(suite)/\(name)"])
            }
        }
    }

    func has(_ name: String) -> Bool {
        if name.hasPrefix("script/") {
            let path = String(name.prefix { $0 != " " })
            return FileManager.default.isExecutableFile(atPath: root.appending(path: path).path)
        }
        if name.hasPrefix("Tests/") { return FileManager.default.fileExists(atPath: root.appending(path: name).path) }
        return tests.contains(name)
    }

    private func word(after mark: String, in line: Substring) -> String? {
        guard let range = line.range(of: mark) else { return nil }
        let name = line[range.upperBound...].prefix { $0.isLetter || $0.isNumber || $0 == "_" }
        return name.isEmpty ? nil : String(name)
    }
}
