using System.CommandLine;

namespace DistFS.Cli;

/// <summary>Where <c>dfs --help</c> lists a verb.</summary>
internal enum VerbGroup
{
    /// <summary>Paths and their contents.</summary>
    Files,

    /// <summary>Servers and the cluster.</summary>
    Cluster,

    /// <summary>The tool and the machine.</summary>
    Tool,
}

/// <summary>One line of the examples in a verb's help.</summary>
/// <param name="Command">As one types it.</param>
/// <param name="Effect">What it does; starts with a verb, no full stop.</param>
internal sealed record Example(string Command, string Effect);

/// <summary>
/// One word after <c>dfs</c>. To add one, add a file: a class <c>Verbs/SomethingVerb.cs</c> is found by its name
/// (<see cref="VerbCatalog"/>). A new object serves one run, so that options and arguments are plain fields.
/// </summary>
internal abstract class Verb
{
    /// <summary>From the name of the class: <c>BlockMapVerb</c> is <c>block-map</c>.</summary>
    public string Name => VerbCatalog.NameOf(GetType());

    /// <summary>One line for the list of verbs: what it does, starting with a verb, no full stop.</summary>
    public abstract string Summary { get; }

    /// <summary>Where it is listed.</summary>
    public abstract VerbGroup Group { get; }

    /// <summary>At least one, shown at the end of the verb's help.</summary>
    public abstract IReadOnlyList<Example> Examples { get; }

    /// <summary>Adds the arguments, options and subcommands. Called only when the verb is used or shown.</summary>
    public abstract void Configure(Command command);

    /// <summary>Does it.</summary>
    /// <returns>One of <see cref="ExitCodes"/>.</returns>
    /// <exception cref="DistFS.Primitives.DistFsException">It failed; told to the user with its code.</exception>
    /// <exception cref="OperationCanceledException">It was interrupted.</exception>
    public abstract Task<int> RunAsync(VerbContext context);
}
