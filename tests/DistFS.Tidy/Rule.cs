namespace DistFS.Tidy;

/// <summary>How a rule fails: with every place that breaks it.</summary>
internal static class Rule
{
    public static void HasNoViolation<T>(IEnumerable<T> violations)
    {
        var all = violations.Select(v => $"  {v}").ToList();
        Assert.True(all.Count == 0, $"{all.Count} violation(s):\n{string.Join('\n', all)}");
    }
}
