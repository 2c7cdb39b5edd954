using System.Text.RegularExpressions;

namespace DistFS.Tidy;

/// <summary>Rules over the text of the sources that no analyzer of ours checks.</summary>
public sealed partial class SourceRules
{
    private const int LinesMax = 400;
    private const int ColumnsMax = 120;

    [Fact]
    public void FilesAreShort() => Rule.HasNoViolation(Repository.CSharp.Where(IsTooLong));

    [Fact]
    public void LinesFitTheScreen() => Rule.HasNoViolation(Repository.CSharp.SelectMany(WideLines));

    [Fact]
    public void NoTestIsSkipped() =>
        Rule.HasNoViolation(Repository.CSharp.Where(f => f.IsTest && Skips().IsMatch(WithoutMe(f))));

    [Fact]
    public void NoTestSleeps() =>
        Rule.HasNoViolation(Repository.CSharp.Where(f => f.IsTest && Sleeps().IsMatch(WithoutMe(f))));

    [Fact]
    public void NoErrorIsSwallowed() =>
        Rule.HasNoViolation(Repository.CSharp.Where(f => SwallowedErrors().IsMatch(WithoutMe(f))));

    [Fact]
    public void NativeCallsStandInNativeAndFuseOnly() => Rule.HasNoViolation(Repository.CSharp.Where(f =>
        !f.IsTest && NativeCalls().IsMatch(f.Text)
        && !f.Path.StartsWith("protocol/DistFS.Native/", StringComparison.Ordinal)
        && !f.Path.StartsWith("mount/DistFS.Fuse/", StringComparison.Ordinal)
        && !f.Path.StartsWith("mount/DistFS.Dokan/", StringComparison.Ordinal)));

    [Fact]
    public void NativeCallsAreGenerated() =>
        Rule.HasNoViolation(Repository.CSharp.Where(f => OldNativeCalls().IsMatch(WithoutMe(f))));

    [Fact]
    public void NoTaskIsBlockedOn() =>
        Rule.HasNoViolation(Repository.CSharp.Where(f => !f.IsTest && BlockingWaits().IsMatch(f.Text)));

    [Fact]
    public void NoPromisesForLater() =>
        Rule.HasNoViolation(Repository.CSharp.Where(f => Promises().IsMatch(WithoutMe(f))));

    [Theory]
    [InlineData("Skip", "[Fact(Skip = \"later\")]")]
    [InlineData("Sleep", "Thread.Sleep(10);")]
    [InlineData("Sleep", "await Task.Delay(10);")]
    [InlineData("Swallow", "catch { }")]
    [InlineData("Swallow", "catch (IOException) {\n}")]
    [InlineData("Old", "[DllImport(\"c\")]")]
    [InlineData("Block", "task.GetAwaiter().GetResult()")]
    [InlineData("Promise", "throw new NotImplementedException();")]
    public void TheseRulesSeeAViolation(string rule, string code) => Assert.Matches(
        rule switch
        {
            "Skip" => Skips(),
            "Sleep" => Sleeps(),
            "Swallow" => SwallowedErrors(),
            "Old" => OldNativeCalls(),
            "Block" => BlockingWaits(),
            _ => Promises(),
        },
        code);

    [Fact]
    public void ALongFileMustSayWhy()
    {
        var body = string.Concat(Enumerable.Repeat("x\n", LinesMax + 1));
        Assert.True(IsTooLong(new SourceFile("a.cs", body)));
        Assert.False(IsTooLong(new SourceFile("a.cs", "// Longer than 400 lines: one table.\n" + body)));
        Assert.NotEmpty(WideLines(new SourceFile("a.cs", new string('x', ColumnsMax + 1))));
    }

    private static bool IsTooLong(SourceFile file) =>
        file.Lines.Length > LinesMax + 1 && !file.Text.Contains("// Longer than 400 lines:", StringComparison.Ordinal);

    private static IEnumerable<string> WideLines(SourceFile file) => file.Lines
        .Select((line, i) => (line, i))
        .Where(l => l.line.Length > ColumnsMax)
        .Select(l => $"{file}:{l.i + 1}");

    /// <summary>This file names what it forbids.</summary>
    private static string WithoutMe(SourceFile file) =>
        file.Path.StartsWith("tests/DistFS.Tidy/", StringComparison.Ordinal) ? "" : file.Text;

    [GeneratedRegex(@"\bSkip\s*=|\bSkippable(Fact|Theory)\b", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Skips();

    [GeneratedRegex(@"\bThread\.Sleep\(|\bTask\.Delay\(", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Sleeps();

    [GeneratedRegex(@"catch\s*(\([^)]*\))?\s*(when\s*\([^)]*\))?\s*\{\s*\}", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex SwallowedErrors();

    [GeneratedRegex(@"\[(LibraryImport|DllImport)\(", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex NativeCalls();

    [GeneratedRegex(@"\[DllImport\(", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex OldNativeCalls();

    [GeneratedRegex(
        @"[Tt]ask(\(\))?\.(Wait\(\)|Result\b|GetAwaiter\(\)\.GetResult\(\))", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex BlockingWaits();

    [GeneratedRegex(
        @"NotImplementedException|\bTODO\b|\bFIXME\b|\bHACK\b|\bXXX\b", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Promises();
}
