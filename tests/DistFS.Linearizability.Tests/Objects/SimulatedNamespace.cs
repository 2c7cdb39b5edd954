using DistFS.Primitives;

namespace DistFS.Linearizability.Tests;

internal sealed class SimulatedNamespace : SimulatedObject<NamespaceInput, NamespaceOutput>
{
    private static readonly string[] Paths = ["/d/a", "/d/b", "/e/a"];

    private readonly Dictionary<string, long> _inodes = new(StringComparer.Ordinal);

    public override NamespaceInput NextInput(Prng random) => random.NextInt32(8) switch
    {
        < 2 => NamespaceInput.CreateExclusive(Path(random)),
        2 => NamespaceInput.Link(Path(random), Path(random)),
        3 => NamespaceInput.Unlink(Path(random)),
        4 => NamespaceInput.Rename(Path(random), Path(random)),
        5 => NamespaceInput.List(random.Chance(0.5) ? "/d" : "/e"),
        _ => NamespaceInput.Lookup(Path(random)),
    };

    public override NamespaceOutput Apply(NamespaceInput input)
    {
        if (input.Kind == NamespaceInputKind.List)
        {
            return NamespaceOutput.Listed(
            [
                .. _inodes.Keys
                    .Where(path => path.StartsWith(input.Path + "/", StringComparison.Ordinal))
                    .Select(path => path[(input.Path.Length + 1)..]),
            ]);
        }

        if (input.Kind == NamespaceInputKind.CreateExclusive)
        {
            return _inodes.TryAdd(input.Path, NextValue())
                ? NamespaceOutput.File(_inodes[input.Path])
                : NamespaceOutput.AlreadyExists;
        }

        if (!_inodes.TryGetValue(input.Path, out var inode))
        {
            return NamespaceOutput.NotFound;
        }

        switch (input.Kind)
        {
            case NamespaceInputKind.Lookup:
                return NamespaceOutput.File(inode, _inodes.Values.Count(other => other == inode));
            case NamespaceInputKind.Unlink:
                _inodes.Remove(input.Path);
                return NamespaceOutput.Ok;
            case NamespaceInputKind.Link:
                return _inodes.TryAdd(input.Target, inode) ? NamespaceOutput.Ok : NamespaceOutput.AlreadyExists;
            default:
                if (!_inodes.TryGetValue(input.Target, out var replaced) || replaced != inode)
                {
                    _inodes.Remove(input.Path);
                    _inodes[input.Target] = inode;
                }

                return NamespaceOutput.Ok;
        }
    }

    public override NamespaceOutput NextOutput(NamespaceInput input, Prng random) => input.Kind switch
    {
        NamespaceInputKind.CreateExclusive => random.Chance(0.5)
            ? NamespaceOutput.AlreadyExists
            : NamespaceOutput.File(random.NextInt32(1, 5)),
        NamespaceInputKind.Lookup => random.Chance(0.5)
            ? NamespaceOutput.NotFound
            : NamespaceOutput.File(random.NextInt32(1, 5), random.NextInt32(3)),
        NamespaceInputKind.List => NamespaceOutput.Listed([.. new[] { "a", "b" }.Where(_ => random.Chance(0.5))]),
        NamespaceInputKind.Link => random.NextInt32(3) switch
        {
            0 => NamespaceOutput.Ok,
            1 => NamespaceOutput.NotFound,
            _ => NamespaceOutput.AlreadyExists,
        },
        _ => random.Chance(0.5) ? NamespaceOutput.Ok : NamespaceOutput.NotFound,
    };

    private static string Path(Prng random) => Paths[random.NextInt32(Paths.Length)];
}
