using System.Globalization;
using System.Text.RegularExpressions;

namespace DistFS.Tidy;

/// <summary>Every service of a .proto file has its descriptors and a handler, and numbers that are its own.</summary>
public sealed partial class ContractRules
{
    /// <summary>What other processes may call; a test's own services are its own affair.</summary>
    private static IEnumerable<SourceFile> Contract => Repository.Protos.Where(f => !f.IsTest);

    [Fact]
    public void EveryMethodHasADescriptorAndAHandler()
    {
        var sources = string.Concat(Repository.CSharp.Select(f => f.Text));
        Rule.HasNoViolation(Contract.SelectMany(Methods).SelectMany(m => Missing(m, sources)));
    }

    [Fact]
    public void MethodNumbersAreUniqueAndNameTheirService()
    {
        var numbered = Contract.SelectMany(Methods).Where(m => m.Id != 0).ToList();
        Assert.NotEmpty(numbered);
        Rule.HasNoViolation(numbered.GroupBy(m => m.Id).Where(g => g.Count() > 1));
        Rule.HasNoViolation(numbered
            .GroupBy(m => m.Service)
            .Where(g => g.Select(m => m.Id >> 8).Distinct().Count() > 1));
    }

    [Fact]
    public void OurMethodsHaveNumbers() => Rule.HasNoViolation(
        Contract.SelectMany(Methods).Where(m => m.Package.StartsWith("distfs", StringComparison.Ordinal) && m.Id == 0));

    [Fact]
    public void TheseRulesSeeAViolation()
    {
        var proto = new SourceFile("a.proto", "package distfs.v1;\nservice Lonely {\n  rpc Call(A) returns (B);\n}\n");
        var method = Assert.Single(Methods(proto));
        Assert.Equal(("distfs.v1", "Lonely", "Call", 0u), (method.Package, method.Service, method.Name, method.Id));
        Assert.Equal(2, Missing(method, "").Count());
    }

    private static IEnumerable<Method> Methods(SourceFile proto)
    {
        var package = PackageName().Match(proto.Text).Groups[1].Value;
        foreach (Match service in Services().Matches(proto.Text))
        {
            foreach (Match method in Rpcs().Matches(service.Groups["body"].Value))
            {
                var id = method.Groups["id"].Value;
                yield return new Method(
                    package,
                    service.Groups["name"].Value,
                    method.Groups["name"].Value,
                    id.Length == 0
                        ? 0
                        : uint.Parse(id.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture));
            }
        }
    }

    /// <summary>A descriptor names service and method as strings; a handler is added with it.</summary>
    private static IEnumerable<string> Missing(Method method, string sources)
    {
        if (!Regex.IsMatch(
            sources, $"\"{method.Service}\",\\s*\"{method.Name}\"", RegexOptions.None, TimeSpan.FromSeconds(5)))
        {
            yield return $"{method}: no descriptor";
        }

        if (!Regex.IsMatch(
            sources, $"\\bHandle\\(\\s*(\\w+\\.)?{method.Name},", RegexOptions.None, TimeSpan.FromSeconds(5)))
        {
            yield return $"{method}: no handler";
        }
    }

    private sealed record Method(string Package, string Service, string Name, uint Id);

    [GeneratedRegex(@"^package\s+([\w.]+);", RegexOptions.Multiline | RegexOptions.CultureInvariant, 1000)]
    private static partial Regex PackageName();

    [GeneratedRegex(
        @"^service\s+(?<name>\w+)\s*\{(?<body>.*?)^\}",
        RegexOptions.Multiline | RegexOptions.Singleline | RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Services();

    [GeneratedRegex(
        @"rpc\s+(?<name>\w+)\s*\([^)]*\)\s*returns\s*\([^)]*\)\s*"
        + @"(;|\{[^}]*?method_id\)\s*=\s*(?<id>0x[0-9a-fA-F]+);[^}]*\})",
        RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Rpcs();
}
