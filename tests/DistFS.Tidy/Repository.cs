using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace DistFS.Tidy;

/// <summary>The files of the house, as git knows them: tracked, or new and not ignored.</summary>
internal static class Repository
{
    private static readonly Lazy<IReadOnlyList<SourceFile>> All = new(Read);

    public static string Root { get; } = FindRoot();

    public static IReadOnlyList<SourceFile> Files => All.Value;

    public static IEnumerable<SourceFile> CSharp => Files.Where(f => f.Path.EndsWith(".cs", StringComparison.Ordinal));

    public static IEnumerable<SourceFile> Projects =>
        Files.Where(f => f.Path.EndsWith(".csproj", StringComparison.Ordinal));

    public static IEnumerable<SourceFile> Protos =>
        Files.Where(f => f.Path.EndsWith(".proto", StringComparison.Ordinal));

    private static string FindRoot([CallerFilePath] string? file = null) =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, "../.."));

    private static List<SourceFile> Read()
    {
        using var git = Process.Start(new ProcessStartInfo(
            "git", ["ls-files", "--cached", "--others", "--exclude-standard"])
        {
            UseShellExecute = false,
            WorkingDirectory = Root,
            RedirectStandardOutput = true,
        })!;
        var paths = git.StandardOutput.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        git.WaitForExit();
        Assert.Equal(0, git.ExitCode);
        return [.. paths.Distinct().Where(p => File.Exists(Path.Combine(Root, p))).Select(SourceFile.Load)];
    }
}

/// <summary>A file of the repository.</summary>
/// <param name="Path">From the root, with slashes.</param>
/// <param name="Text">Its whole text.</param>
internal sealed record SourceFile(string Path, string Text)
{
    public string Name => System.IO.Path.GetFileNameWithoutExtension(Path);

    public string[] Lines => Text.Split('\n');

    public bool IsTest => Path.StartsWith("tests/", StringComparison.Ordinal);

    public static SourceFile Load(string path) =>
        new(path, File.ReadAllText(System.IO.Path.Combine(Repository.Root, path)));

    public override string ToString() => Path;
}
