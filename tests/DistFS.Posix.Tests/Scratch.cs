namespace DistFS.Posix.Tests;

/// <summary>A fresh folder that others may enter, and a run of the suite in it.</summary>
internal sealed class Scratch : IDisposable
{
    public Scratch()
    {
        Path = Directory.CreateTempSubdirectory("dfs-posix-test-").FullName;
        Assert.True(Sys.ChMod(Path, Constants.Octal(755)).IsOk);
    }

    public string Path { get; }

    public static bool IsRoot => Sys.GetEUid() == 0;

    /// <summary>Runs checks with a budget for a test; DIR2 is the same path unless there is none.</summary>
    public static Report Run(SuiteOptions options, Fault plant = Fault.None)
    {
        Planted.Active = plant;
        try
        {
            return new Runner(options).Run(CheckList.Select(options.Only));
        }
        finally
        {
            Planted.Active = Fault.None;
        }
    }

    public SuiteOptions Options(params string[] only) => new()
    {
        Directory = Path,
        SecondDirectory = Path,
        Only = only,
        Entries = 5000,
        Operations = 5000,
    };

    /// <summary>What failed and was not run, for the message of an assertion.</summary>
    public static string Text(Report report)
    {
        using var text = new StringWriter();
        report.Print(text);
        return text.ToString();
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
