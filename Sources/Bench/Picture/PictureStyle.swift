/// The style sheet of the pictures. The eight line colours keep their distance from each other and from the ground,
/// in light and in dark, also for people who see fewer colours; the patterns tell the second four apart without any.
enum PictureStyle {
    static let sheet = """
        .picture { --ground: #ffffff; --ink: #1c1f24; --soft: #5b6470; --rule: #e3e6ea;
          --c0: #1f6fb5; --c1: #c2550c; --c2: #1d8348; --c3: #8a3fb0; }
        @media (prefers-color-scheme: dark) {
          .picture { --ground: #16191d; --ink: #e8eaed; --soft: #a3abb5; --rule: #2e343b;
            --c0: #6cb2f2; --c1: #f2a15e; --c2: #6fd39a; --c3: #cf9cf0; }
        }
        .picture text { font: 12px system-ui, sans-serif; fill: var(--ink); }
        .picture .title { font-size: 15px; font-weight: 600; }
        .picture .soft { fill: var(--soft); }
        .picture .middle { text-anchor: middle; }
        .picture .end { text-anchor: end; }
        .picture .ground { fill: var(--ground); }
        .picture .rule { stroke: var(--rule); stroke-width: 1; }
        .picture .line { fill: none; stroke-width: 2; stroke-linejoin: round; }
        .picture .s0, .picture .s4 { stroke: var(--c0); } .picture .s1, .picture .s5 { stroke: var(--c1); }
        .picture .s2, .picture .s6 { stroke: var(--c2); } .picture .s3, .picture .s7 { stroke: var(--c3); }
        .picture .s4, .picture .s5, .picture .s6, .picture .s7 { stroke-dasharray: 6 4; }
        .picture .m0, .picture .m4 { fill: var(--c0); } .picture .m1, .picture .m5 { fill: var(--c1); }
        .picture .m2, .picture .m6 { fill: var(--c2); } .picture .m3, .picture .m7 { fill: var(--c3); }
        """
}

enum Markup {
    static func escape(_ text: String) -> String {
        var escaped = ""
        for character in text {
            switch character {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            default: escaped.append(character)
            }
        }
        return escaped
    }
}
