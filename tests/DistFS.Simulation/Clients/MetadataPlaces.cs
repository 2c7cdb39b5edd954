using System.Text;
using DistFS.Primitives;
using DistFS.Protocol;
using Google.Protobuf;

namespace DistFS.Simulation;

/// <summary>
/// Where clients work, and what they know together: directories for histories, which stay, and others with whatever
/// comes and goes in them.
/// </summary>
public sealed class MetadataPlaces(int groups)
{
    /// <summary>Directories of a group.</summary>
    public const int GroupDirectories = 2;

    /// <summary>Inodes that clients have leases of.</summary>
    public const int LeasedInodes = 3;

    private const int WildDirectories = 2;
    private const int RecentMax = 24;

    private const int RecentFilesMax = 6;
    private const int RecentDirectoriesMax = 5;

    private readonly List<ulong> _wild = [];
    private readonly List<ulong> _files = [];
    private readonly List<ulong> _directories = [];

    /// <summary>Groups of directories for histories.</summary>
    public int Groups => groups;

    /// <summary>Whether all directories are there.</summary>
    public bool IsReady { get; private set; }

    /// <summary>The directories for histories, group by group.</summary>
    public ulong[] Histories { get; } = new ulong[groups * GroupDirectories];

    /// <summary>The inodes that clients have leases of.</summary>
    public ulong[] Leased { get; } = new ulong[LeasedInodes];

    /// <summary>The names below the root: of histories, of the wild, of leases.</summary>
    public IEnumerable<string> Names => Enumerable.Range(0, Histories.Length).Select(HistoryName)
        .Concat(Enumerable.Range(0, WildDirectories).Select(i => $"w{i}"))
        .Concat(Enumerable.Range(0, LeasedInodes).Select(i => $"l{i}"));

    /// <summary>The name of a directory for histories.</summary>
    public static string HistoryName(int directory) => $"h{directory}";

    /// <summary>A name as bytes.</summary>
    public static ByteString Bytes(string name) => ByteString.CopyFrom(name, Encoding.UTF8);

    /// <summary>Makes the directories.</summary>
    public MutateRequest ToMake()
    {
        var request = new MutateRequest();
        foreach (var name in Names)
        {
            request.Operations.Add(new Operation
            {
                Caller = new Caller(),
                Make = new MakeRequest
                {
                    Parent = InodeId.Root.Value,
                    Name = Bytes(name),
                    Kind = (uint)DistFS.Metadata.Rows.InodeKind.Directory,
                    Mode = 0b111_111_111,
                },
            });
        }

        return request;
    }

    /// <summary>Looks for the directories.</summary>
    public ReadRequest ToLookUp()
    {
        var request = new ReadRequest { Caller = new Caller() };
        foreach (var name in Names)
        {
            request.Operations.Add(new ReadOperation
            {
                Lookup = new LookupRequest { Parent = InodeId.Root.Value, Name = Bytes(name) },
            });
        }

        return request;
    }

    /// <summary>They were found.</summary>
    public void Found(ReadReply reply)
    {
        ArgumentNullException.ThrowIfNull(reply);
        if (IsReady)
        {
            return;
        }

        for (var i = 0; i < reply.Replies.Count; i++)
        {
            var inode = reply.Replies[i].Attributes.Inode;
            if (i < Histories.Length)
            {
                Histories[i] = inode;
            }
            else if (_wild.Count < WildDirectories)
            {
                _wild.Add(inode);
            }
            else
            {
                Leased[i - Histories.Length - WildDirectories] = inode;
            }
        }

        IsReady = true;
    }

    /// <summary>An inode was made, somewhere in the wild.</summary>
    public void Made(Attributes made)
    {
        ArgumentNullException.ThrowIfNull(made);
        _wild.Add(made.Inode);
        if (made.Kind == (uint)DistFS.Metadata.Rows.InodeKind.File)
        {
            _files.Add(made.Inode);
        }
        else if (made.Kind == (uint)DistFS.Metadata.Rows.InodeKind.Directory)
        {
            _directories.Add(made.Inode);
        }
    }

    /// <summary>Some directory of the wild, which may be gone.</summary>
    public ulong AnyDirectory(Prng prng)
    {
        ArgumentNullException.ThrowIfNull(prng);
        return _directories.Count == 0 || prng.Chance(0.3) ? _wild[prng.NextInt32(WildDirectories)]
            : prng.Chance(0.05) ? Any(prng)
            : _directories[^(1 + prng.NextInt32(Math.Min(_directories.Count, RecentDirectoriesMax)))];
    }

    /// <summary>Some file of the wild, which may be gone: one of few, so that what it has is changed again.</summary>
    public ulong AnyFile(Prng prng)
    {
        ArgumentNullException.ThrowIfNull(prng);
        return _files.Count == 0 || prng.Chance(0.05)
            ? Any(prng)
            : _files[^(1 + prng.NextInt32(Math.Min(_files.Count, RecentFilesMax)))];
    }

    /// <summary>Some inode of the wild, which may be gone.</summary>
    public ulong Any(Prng prng)
    {
        ArgumentNullException.ThrowIfNull(prng);
        return prng.Chance(0.25)
            ? _wild[prng.NextInt32(WildDirectories)]
            : _wild[^(1 + prng.NextInt32(Math.Min(_wild.Count, RecentMax)))];
    }
}
