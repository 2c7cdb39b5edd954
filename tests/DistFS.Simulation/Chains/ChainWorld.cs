using DistFS.Metadata.Chunks;
using DistFS.Primitives;
using DistFS.Protocol;
using Google.Protobuf;

namespace DistFS.Simulation.Chains;

/// <summary>A file of one chunk, with what was written to it.</summary>
internal sealed class ChainFile(ulong inode, int blocks)
{
    /// <summary>Which.</summary>
    public ulong Inode => inode;

    /// <summary>Its chunk; 0 before there is one.</summary>
    public ChunkId Chunk { get; set; }

    /// <summary>What was written.</summary>
    public ByteLedger Ledger { get; } = new(blocks);

    /// <summary>Bytes that it has from its first write on.</summary>
    public uint Length => (uint)(blocks * Blocks.ChunkLayout.BlockBytes);

    /// <summary>The chunk's row when it was last looked at.</summary>
    public ChunkRow? LastRow { get; set; }

    /// <inheritdoc/>
    public override string ToString() => $"file {inode}";
}

/// <summary>
/// Chunk servers, writers and readers with the shipped data path in them, and a leader: in one thread and virtual time,
/// from one seed.
/// </summary>
internal sealed partial class ChainWorld
{
    private readonly int _thread = Environment.CurrentManagedThreadId;
    private readonly List<ServerMachine> _servers = [];
    private readonly SortedDictionary<string, long> _counts = new(StringComparer.Ordinal);
    private readonly Prng _prng;

    // Apart, so that known seeds stay what they were.
    private readonly Prng _lossPrng;
    private Exception? _failure;

    /// <summary>Makes the world of a seed.</summary>
    public ChainWorld(ulong seed, SimulationSize size)
    {
        var root = new Prng(seed ^ 0xC4A1_0000_0000_0000);
        Options = ChainOptions.Draw(root.Fork(), size);
        Cluster = new ClusterId(new UInt128(root.NextUInt64(), root.NextUInt64()));
        Trace = new Trace(Queue);
        Wire = new Wire(this, root.Fork()) { Quality = Options.Quality };
        Invariants = new ChainInvariants(this);
        var servers = root.Fork();
        Metaserver = new MetaserverMachine(this, root.Fork());
        for (var i = 1; i <= Options.Servers; i++)
        {
            _servers.Add(new ServerMachine(this, i, servers.Fork()));
        }

        for (var i = 1; i <= Options.Files; i++)
        {
            Files.Add(new ChainFile(MakeFile(i), Options.Blocks));
        }

        _prng = root.Fork();
        _lossPrng = root.Fork();
    }

    /// <summary>The knobs.</summary>
    public ChainOptions Options { get; }

    /// <summary>What is to happen.</summary>
    public EventQueue Queue { get; } = new();

    /// <summary>What has happened.</summary>
    public Trace Trace { get; }

    /// <summary>Between processes.</summary>
    public Wire Wire { get; }

    /// <summary>What must hold.</summary>
    public ChainInvariants Invariants { get; }

    /// <summary>Who leads.</summary>
    public MetaserverMachine Metaserver { get; }

    /// <summary>The chunk servers.</summary>
    public IReadOnlyList<ServerMachine> Servers => _servers;

    /// <summary>What is written and read.</summary>
    public List<ChainFile> Files { get; } = [];

    /// <summary>The cluster's name.</summary>
    public ClusterId Cluster { get; }

    /// <summary>Whether faults are over.</summary>
    public bool IsQuieting { get; private set; }

    /// <summary>What happened how often.</summary>
    public IReadOnlyDictionary<string, long> Counts => _counts;

    /// <summary>Something happened once more.</summary>
    public void Count(string what) => _counts[what] = _counts.GetValueOrDefault(what) + 1;

    /// <summary>Whatever goes on elsewhere than on the world's thread is not as the seed says.</summary>
    public void MustBeHere()
    {
        if (Environment.CurrentManagedThreadId != _thread)
        {
            Fail(new InvariantException("the world has one thread", Environment.StackTrace));
        }
    }

    /// <summary>The seed has failed; said by who cannot throw to the world.</summary>
    public void Fail(Exception error) => Interlocked.CompareExchange(ref _failure, error, null);

    /// <summary>The address of a server that has one.</summary>
    public string AddressOf(ServerId id) =>
        Metaserver.Tree.Servers.TryGet(id, out var row) ? row.Address : "nobody:1";

    /// <summary>The machine of a server, for the trace.</summary>
    public string NameOf(ServerId id) => _servers.Find(server => server.Self == id)?.Name ?? $"{id}";

    /// <summary>A chunk as it is; null: there is none yet.</summary>
    public ChunkView? ViewOf(ChainFile file)
    {
        if (file.Chunk.Value == 0 || !Metaserver.Tree.Chunks.TryGet(file.Chunk, out var row))
        {
            return null;
        }

        var copies = new List<CopyView>();
        foreach (var server in _servers)
        {
            if (row.IsOn(server.Self) && server.Disk.TryGet(file.Chunk, out var info))
            {
                copies.Add(ChainInvariants.CopyOf(server, file, info));
            }
        }

        return new ChunkView(file, row, copies);
    }

    private ulong MakeFile(int number)
    {
        var session = Metaserver.Apply(new MetadataCommand
        {
            OpenSession = new OpenSessionRequest { Nonce = (ulong)number, LeaseMs = 3_600_000 },
        });
        var reply = Metaserver.Apply(new MetadataCommand
        {
            Client = session.OpenSession.Client,
            Sequence = 1,
            Mutate = new MutateRequest
            {
                Operations =
                {
                    new Operation
                    {
                        Caller = new Caller(),
                        Make = new MakeRequest
                        {
                            Parent = InodeId.Root.Value,
                            Name = ByteString.CopyFromUtf8($"f{number}"),
                            Kind = (uint)Metadata.Rows.InodeKind.File,
                            Mode = 0b110_110_110,
                        },
                    },
                },
            }.ToByteString(),
        });
        return reply.Mutate.Replies[0].Attributes.Inode;
    }
}
