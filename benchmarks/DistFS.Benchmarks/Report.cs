using System.Globalization;
using System.Text.Json;
using Spectre.Console;

namespace DistFS.Benchmarks;

/// <summary>Figures with their spread, ratios with their bounds: as a table and as JSON.</summary>
internal sealed class Report(string suite)
{
    private static readonly JsonSerializerOptions Indented = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    private readonly List<Figure> _figures = [];
    private readonly List<Ratio> _ratios = [];
    private readonly ProcessorSteal _steal = new();

    /// <summary>Adds a figure: the median of its rounds is what counts.</summary>
    /// <returns>The median.</returns>
    public double Add(string name, string unit, IReadOnlyList<double> rounds, double? cpuMicroseconds = null)
    {
        var sorted = rounds.Order().ToList();
        var figure = new Figure(name, unit, sorted[sorted.Count / 2], sorted[0], sorted[^1], cpuMicroseconds);
        _figures.Add(figure);
        return figure.Median;
    }

    /// <summary>Adds a ratio of two figures of this run; the bound is what the project promises.</summary>
    public void AddRatio(string name, double value, double? atLeast = null, double? atMost = null) =>
        _ratios.Add(new Ratio(name, value, atLeast, atMost));

    /// <summary>Prints, writes, and says whether every bound holds.</summary>
    /// <returns>The exit code.</returns>
    public int Finish(FileInfo? json, bool check)
    {
        var steal = _steal.Share;
        var valid = steal <= ProcessorSteal.ShareMax;
        var figures = new Table()
            .Title($"{suite}: figures")
            .AddColumns("what", "median", "min .. max", "unit", "CPU us/op");
        figures.Columns[1].RightAligned();
        figures.Columns[4].RightAligned();
        foreach (var f in _figures)
        {
            figures.AddRow(
                f.Name, Text(f.Median), $"{Text(f.Min)} .. {Text(f.Max)}", f.Unit,
                f.CpuMicroseconds is { } cpu ? Text(cpu) : "");
        }

        var ratios = new Table().Title($"{suite}: ratios of this run").AddColumns("what", "value", "bound", "");
        ratios.Columns[1].RightAligned();
        foreach (var r in _ratios)
        {
            var bound = r.AtLeast is { } least ? $">= {Text(least)}" : r.AtMost is { } most ? $"<= {Text(most)}" : "";
            ratios.AddRow(
                r.Name,
                Text(r.Value),
                bound,
                bound.Length == 0 ? "" : !valid ? "not judged" : r.Holds ? "[green]holds[/]" : "[red]MISSED[/]");
        }

        if (Console.IsOutputRedirected)
        {
            AnsiConsole.Profile.Width = 140;
            AnsiConsole.Profile.Capabilities.Ansi = false;
            AnsiConsole.Profile.Capabilities.ColorSystem = ColorSystem.NoColors;
        }

        AnsiConsole.Write(figures);
        AnsiConsole.Write(ratios);
        AnsiConsole.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"The host took {steal:P1} of the processors{(valid ? "." : ": the run is not valid, repeat it.")}"));
        if (json != null)
        {
            File.WriteAllText(
                json.FullName,
                JsonSerializer.Serialize(
                    new
                    {
                        suite,
                        host = Environment.MachineName,
                        cores = Environment.ProcessorCount,
                        stealShare = steal,
                        valid,
                        utc = DateTime.UtcNow,
                        figures = _figures,
                        ratios = _ratios,
                    },
                    Indented));
        }

        return check && (!valid || _ratios.Any(r => !r.Holds)) ? 1 : 0;
    }

    private static string Text(double value) => value switch
    {
        >= 1000 => value.ToString("N0", CultureInfo.InvariantCulture),
        >= 10 => value.ToString("0.0", CultureInfo.InvariantCulture),
        _ => value.ToString("0.00", CultureInfo.InvariantCulture),
    };

    private sealed record Figure(
        string Name, string Unit, double Median, double Min, double Max, double? CpuMicroseconds);

    private sealed record Ratio(string Name, double Value, double? AtLeast, double? AtMost)
    {
        public bool Holds => (AtLeast == null || Value >= AtLeast) && (AtMost == null || Value <= AtMost);
    }
}
