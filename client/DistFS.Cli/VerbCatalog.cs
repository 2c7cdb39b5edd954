using System.Reflection;
using System.Text;

namespace DistFS.Cli;

/// <summary>
/// Finds verbs by the names of their classes, without a list: <c>dfs block-map</c> is <c>BlockMapVerb</c> in the
/// namespace of the verbs. One verb is found by one look-up, so that a run does not pay for the verbs that it does not
/// use; all of them are looked through only for help, completion and mistakes.
/// </summary>
/// <param name="assembly">Where the verbs are.</param>
/// <param name="namespaceName">Their namespace.</param>
internal sealed class VerbCatalog(Assembly assembly, string namespaceName)
{
    private const string Suffix = "Verb";

    /// <summary>The verbs of this tool.</summary>
    public static VerbCatalog Default => new(typeof(VerbCatalog).Assembly, "DistFS.Cli.Verbs");

    /// <summary>"block-map" of BlockMapVerb.</summary>
    public static string NameOf(Type type)
    {
        ArgumentNullException.ThrowIfNull(type);
        var name = new StringBuilder();
        foreach (var letter in type.Name.AsSpan(0, type.Name.Length - Suffix.Length))
        {
            if (char.IsAsciiLetterUpper(letter) && name.Length > 0)
            {
                name.Append('-');
            }

            name.Append(char.ToLowerInvariant(letter));
        }

        return name.ToString();
    }

    /// <summary>The verb of that name, or null.</summary>
    public Verb? Find(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        var type = TypeNameOf(name) is { } typeName ? assembly.GetType($"{namespaceName}.{typeName}") : null;
        return type != null && IsVerb(type) ? Create(type) : null;
    }

    /// <summary>Every verb, by name.</summary>
    public IReadOnlyList<Verb> All() =>
        [.. assembly.GetTypes().Where(IsVerb).Select(Create).OrderBy(verb => verb.Name, StringComparer.Ordinal)];

    private static Verb Create(Type type) => (Verb)Activator.CreateInstance(type, nonPublic: true)!;

    private static string? TypeNameOf(string name)
    {
        var typeName = new StringBuilder();
        var upper = true;
        foreach (var letter in name)
        {
            if (letter == '-' && !upper)
            {
                upper = true;
                continue;
            }

            if (!char.IsAsciiLetterLower(letter) && (upper || !char.IsAsciiDigit(letter)))
            {
                return null;
            }

            typeName.Append(upper ? char.ToUpperInvariant(letter) : letter);
            upper = false;
        }

        return upper ? null : typeName.Append(Suffix).ToString();
    }

    private bool IsVerb(Type type) =>
        type.Namespace == namespaceName && !type.IsAbstract && type.IsSubclassOf(typeof(Verb));
}
