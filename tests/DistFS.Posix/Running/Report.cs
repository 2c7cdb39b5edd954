using System.Text.Json;

namespace DistFS.Posix.Running;

/// <summary>What one check came to.</summary>
/// <param name="NotRun">Why it was not run, or null.</param>
public sealed record CheckResult(
    string Area, string Name, string Source, int Assertions, IReadOnlyList<string> Failures, string? NotRun, double Ms)
{
    public string FullName => $"{Area}.{Name}";

    public bool HasFailed => Failures.Count > 0;
}

/// <summary>What a run came to.</summary>
public sealed record Report(string Directory, string? SecondDirectory, IReadOnlyList<CheckResult> Results)
{
    private static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
    };

    public int Passed => Results.Count(r => !r.HasFailed && r.NotRun is null);

    public int Failed => Results.Count(r => r.HasFailed);

    public int NotRun => Results.Count(r => r.NotRun is not null);

    public int Assertions => Results.Sum(r => r.Assertions);

    /// <summary>0 when nothing failed and something was run, 1 otherwise.</summary>
    public int ExitCode => Failed == 0 && Passed > 0 ? 0 : 1;

    /// <summary>With --require-all what was not run has failed.</summary>
    public Report RequiringAll() => this with
    {
        Results =
        [
            .. Results.Select(r => r.NotRun is null
                ? r
                : r with { NotRun = null, Failures = [$"not run: {r.NotRun}"] }),
        ],
    };

    public void Print(TextWriter output)
    {
        foreach (var area in Results.GroupBy(r => r.Area))
        {
            output.WriteLine(
                $"{area.Key,-16} {area.Count(),4} checks {area.Sum(r => r.Assertions),7} assertions "
                + $"{area.Count(r => r.HasFailed),4} failed {area.Count(r => r.NotRun is not null),4} not run "
                + $"{area.Sum(r => r.Ms) / 1000,8:F2} s");
        }

        foreach (var result in Results.Where(r => r.HasFailed))
        {
            output.WriteLine();
            output.WriteLine($"FAILED {result.FullName} ({result.Source})");
            foreach (var failure in result.Failures.Take(20))
            {
                output.WriteLine($"  {failure}");
            }

            if (result.Failures.Count > 20)
            {
                output.WriteLine($"  and {result.Failures.Count - 20} more");
            }
        }

        if (NotRun > 0)
        {
            output.WriteLine();
        }

        foreach (var reason in Results.Where(r => r.NotRun is not null).GroupBy(r => r.NotRun))
        {
            output.WriteLine($"not run: {reason.Key}: {string.Join(", ", reason.Select(r => r.FullName))}");
        }

        output.WriteLine();
        output.WriteLine(
            $"{Passed} checks passed, {Failed} failed, {NotRun} not run; {Assertions} assertions in {Directory}"
            + (SecondDirectory is null ? "" : $" and {SecondDirectory}"));
    }

    public void PrintJson(TextWriter output) =>
        output.WriteLine(JsonSerializer.Serialize(new { Passed, Failed, NotRun, Assertions, Results }, Json));
}
