using System.Text.Json;

namespace DistFS.Posix.Tests;

/// <summary>The suite passes on a local file system that is right, and says so in full.</summary>
public sealed class SuiteTests : IDisposable
{
    private readonly Scratch _scratch = new();

    [Fact]
    public void EverythingPassesOnALocalFolder()
    {
        var report = Scratch.Run(_scratch.Options());
        Assert.True(report.ExitCode == 0, Scratch.Text(report));
        Assert.True(report.Passed >= (Scratch.IsRoot ? 240 : 170), Scratch.Text(report));
        Assert.Empty(Directory.GetFileSystemEntries(_scratch.Path));
    }

    [Fact]
    public void EveryCheckNamesItsSourceAndIsFoundOnce()
    {
        Assert.All(CheckList.All, c => Assert.False(string.IsNullOrWhiteSpace(c.Source)));
        Assert.Equal(CheckList.All.Count, CheckList.All.Select(c => c.FullName).Distinct().Count());
        Assert.Equal(
            ["Open.ALoopIsEloop"], CheckList.Select(["=open.aloopiseloop"]).Select(c => c.FullName));
    }

    [Fact]
    public void WhatIsMissingIsNotRunAndCountedApart()
    {
        var options = _scratch.Options("TwoMount.Writes", "Open.ALoop") with { SecondDirectory = null };
        var report = Scratch.Run(options);
        Assert.Equal((1, 0, 1), (report.Passed, report.Failed, report.NotRun));
        Assert.Contains("not run: no second directory: TwoMount.WritesAreSeenAtOnce", Scratch.Text(report));
        var strict = Scratch.Run(options with { RequireAll = true });
        Assert.Equal((1, 1, 0, 1), (strict.Passed, strict.Failed, strict.NotRun, strict.ExitCode));
    }

    [Fact]
    public void TwoDifferentDirectoriesAreRefused()
    {
        using var other = new Scratch();
        var refused = Assert.Throws<CheckFailedException>(
            () => Scratch.Run(_scratch.Options("Open") with { SecondDirectory = other.Path }));
        Assert.Contains("through another mount", refused.Message);
        Assert.Empty(Directory.GetFileSystemEntries(_scratch.Path));
    }

    [Fact]
    public void ACheckThatHangsIsAFailureAndTheRunGoesOn()
    {
        var report = Scratch.Run(
            _scratch.Options("Symlink.TheEmptyTarget", "Open.TruncCuts", "Open.ALoop") with
            {
                Deadline = TimeSpan.FromSeconds(2),
            },
            Fault.SymlinkHangs);
        Assert.Equal((1, 2), (report.Passed, report.Failed));
        Assert.All(report.Results.Where(r => r.HasFailed), r => Assert.Contains("hung", r.Failures[0]));
    }

    [Fact]
    public void FailuresSayWhatWasCalledExpectedAndCame()
    {
        var report = Scratch.Run(_scratch.Options("=Open.ExclusiveOnAnythingIsEexist"), Fault.ExclusiveIgnored);
        Assert.Equal(1, report.ExitCode);
        var text = Scratch.Text(report);
        Assert.Contains("FAILED Open.ExclusiveOnAnythingIsEexist (POSIX open [EEXIST]", text);
        Assert.Contains("O_CREAT | O_EXCL", text);
        Assert.Contains("[file]: expected EEXIST, came success", text);
        using var json = new StringWriter();
        report.PrintJson(json);
        var parsed = JsonDocument.Parse(json.ToString()).RootElement;
        Assert.Equal(1, parsed.GetProperty("failed").GetInt32());
        Assert.Equal("Open", parsed.GetProperty("results")[0].GetProperty("area").GetString());
    }

    [Fact]
    public void ACommandLineIsReadOrRefused()
    {
        Assert.True(CommandLine.TryParse(
            ["/a", "--only", "Open", "/b", "--operations", "7", "--require-all"], out var line, out _));
        Assert.Equal(("/a", "/b", 7), (line.Options.Directory, line.Options.SecondDirectory, line.Options.Operations));
        Assert.True(line.Options.RequireAll);
        foreach (var wrong in (string[][])
            [[], ["/a", "/b", "/c"], ["/a", "--what"], ["/a", "--seed"], ["/a", "--seed", "x"], ["/a", "--plant", "x"],
             ["/a", "--only", "NoSuchCheck"]])
        {
            Assert.False(CommandLine.TryParse(wrong, out _, out var problem));
            Assert.NotEmpty(problem);
        }
    }

    public void Dispose() => _scratch.Dispose();
}
