using DistFS.Metadata.Reads;
using DistFS.Metadata.Sessions;
using DistFS.Metaserver.Hosting;
using DistFS.Primitives;
using DistFS.Protocol;
using Google.Protobuf;

namespace DistFS.Simulation;

/// <summary>
/// What a metaserver does while it leads without being asked, by the code that the product decides with: the first
/// entry, the end of sessions, collection, and the care for chunk servers.
/// </summary>
public sealed partial class MetadataLeader(World world, MetadataWorkload workload, SimulatedNode node, Prng prng)
{
    private const long LookMicroseconds = 250_000;
    private const long PatienceMicroseconds = 2_000_000;

    private readonly LeadTime _lead = new();
    private long _waitsUntil;

    private long NowMs => world.Queue.Now / 1_000;

    /// <summary>Begins to look around; ends with the process.</summary>
    public void Start() => node.Do(LookMicroseconds, Look);

    private void Look()
    {
        node.Do(LookMicroseconds, Look);
        var now = TimeSpan.FromMicroseconds(world.Queue.Now);
        var machine = (MetadataMachineAdapter)node.Machine!;
        if (_lead.Look(node.Leads, node.Status?.Term ?? default, now, machine.Now) is not { } led)
        {
            StopCaring();
            return;
        }

        var view = MetadataView.Open(machine.Published);
        if (_waitsUntil <= world.Queue.Now)
        {
            Propose(Due(view, led));
        }

        if (view != null)
        {
            Care(view.Tree);
        }
    }

    private MetadataCommand? Due(MetadataView? view, TimeSpan led)
    {
        if (view == null)
        {
            return workload.Bootstrap();
        }

        var rows = ((MetadataMachineAdapter)node.Machine!).Published;
        if (SessionExpiry.IsDue(rows, MetadataWorkload.Clock(node), led))
        {
            return new MetadataCommand
            {
                ExpireSessions = new ExpireSessionsRequest { LedMs = (ulong)led.TotalMilliseconds },
            };
        }

        return view.HasCollectableAt(MetadataWorkload.Clock(node))
            ? new MetadataCommand { Collect = new CollectRequest { RowsMax = workload.Options.CollectRowsMax } }
            : null;
    }

    private void Propose(MetadataCommand? command)
    {
        if (command == null)
        {
            return;
        }

        var until = _waitsUntil = world.Queue.Now + PatienceMicroseconds;
        var isAccepted = node.Propose(command.ToByteArray(), _ =>
        {
            if (_waitsUntil != until)
            {
                return;
            }

            // And on, while there is more to do.
            _waitsUntil = 0;
            var view = MetadataView.Open(((MetadataMachineAdapter)node.Machine!).Published);
            if (node.Leads && view != null && view.HasCollectableAt(MetadataWorkload.Clock(node)))
            {
                Propose(new MetadataCommand
                {
                    Collect = new CollectRequest { RowsMax = workload.Options.CollectRowsMax },
                });
            }
        });
        _waitsUntil = isAccepted ? until : 0;
    }
}
