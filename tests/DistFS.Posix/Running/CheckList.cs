using System.Reflection;

namespace DistFS.Posix.Running;

/// <summary>One check.</summary>
/// <param name="Area">The class without `Checks`.</param>
/// <param name="Source">What says that it must be so.</param>
public sealed record CheckCase(string Area, string Name, string Source, Needs Needs, Action<CheckContext> Body)
{
    public string FullName => $"{Area}.{Name}";
}

/// <summary>All checks, found by their attribute, in the order of areas and of the source.</summary>
public static class CheckList
{
    private const string Suffix = "Checks";

    public static IReadOnlyList<CheckCase> All { get; } =
    [
        .. from type in typeof(CheckList).Assembly.GetTypes()
           where type.Namespace == "DistFS.Posix.Checks" && type.Name.EndsWith(Suffix, StringComparison.Ordinal)
           orderby type.Name
           from method in type.GetMethods(BindingFlags.Public | BindingFlags.Static)
           let check = method.GetCustomAttribute<CheckAttribute>()
           where check is not null
           orderby type.Name, method.MetadataToken
           select new CheckCase(
               type.Name[..^Suffix.Length],
               method.Name,
               check.Source,
               check.Needs,
               method.CreateDelegate<Action<CheckContext>>()),
    ];

    public static IReadOnlyList<CheckCase> Select(IReadOnlyList<string> only) =>
    [
        .. All.Where(c => only.Count == 0 || only.Any(o => Matches(c, o))),
    ];

    /// <summary>An area, or a part of the name; `=Area.Name` is that check alone.</summary>
    private static bool Matches(CheckCase check, string pattern) => pattern.StartsWith('=')
        ? check.FullName.Equals(pattern[1..], StringComparison.OrdinalIgnoreCase)
        : check.FullName.Contains(pattern, StringComparison.OrdinalIgnoreCase);
}
