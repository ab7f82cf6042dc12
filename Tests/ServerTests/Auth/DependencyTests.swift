import Foundation
import Testing

/// DEPENDENCIES.md names everything that is not ours, and nothing else.
@Suite struct DependencyTests {
    private let root = URL(filePath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
        .appending(components: "..", "..", "..").standardizedFileURL

    private func text(_ path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    /// The first two columns of the table under a heading.
    private func table(_ heading: String) throws -> [String: String] {
        let parts = try text("DEPENDENCIES.md").components(separatedBy: "\n## ")
        let part = try #require(parts.first { $0.hasPrefix(heading) })
        var rows: [String: String] = [:]
        for line in part.components(separatedBy: "\n").filter({ $0.hasPrefix("|") }).dropFirst(2) {
            let cells = line.components(separatedBy: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            #expect(rows[cells[1]] == nil, "\(cells[1]) twice")
            rows[cells[1]] = cells[2]
        }
        return rows
    }

    private func names(_ expression: String, in text: String) throws -> Set<String> {
        let regex = try Regex(expression, as: (Substring, Substring).self)
        return Set(
            text.matches(of: regex).flatMap { $0.output.1.split(whereSeparator: { " \",".contains($0) }) }.map(
                String.init
            )
        )
    }

    @Test func everySwiftPackageIsThere() throws {
        let rows = try table("Swift packages")
        let resolved = try names(#""identity" : "([^"]+)""#, in: try text("Package.resolved"))
        #expect(resolved.count > 10)
        #expect(Set(rows.keys) == resolved)
        let direct = try names(#"\.package\(url: "[^"]*/([^"/]+)""#, in: try text("Package.swift"))
        #expect(direct.count >= 8)
        for name in direct {
            #expect(resolved.contains(name.replacing(".git", with: "").lowercased()), "\(name)")
        }
        for (name, licence) in rows {
            #expect(["Apache-2.0", "MIT", "BSD-3-Clause"].contains(licence), "\(name) \(licence)")
        }
    }

    @Test func everyDebianPackageIsThere() throws {
        let rows = try table("Debian packages")
        var used = try names(#"\.apt\(\[([^\]]+)\]"#, in: try text("Package.swift"))
        for folder in ["script", "Benchmarks", "Benchmarks/sides", ".ci"] {
            for file in try FileManager.default.contentsOfDirectory(atPath: root.appending(path: folder).path) {
                // Folders, and what is no script.
                guard let script = try? text("\(folder)/\(file)"),
                    script.hasPrefix("#!") || folder.hasSuffix("sides") || file == "common"
                else { continue }
                used.formUnion(try names(#"require_packages ([a-z0-9][a-z0-9.+ -]*)"#, in: script))
                used.formUnion(try names(#"_packages\(\) \{ echo ([a-z0-9.+ -]+)"#, in: script))
                used.formUnion(try names(#"wanted=\(([a-z0-9.+ -]+)\)"#, in: script))
            }
        }
        #expect(used.count > 10)
        #expect(Set(rows.keys) == used)
        for (name, licence) in rows { #expect(!licence.isEmpty, "\(name)") }
    }
}
