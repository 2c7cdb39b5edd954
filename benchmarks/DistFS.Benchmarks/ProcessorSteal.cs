using System.Globalization;

namespace DistFS.Benchmarks;

/// <summary>
/// The share of this machine's processor time that its host gave to others (/proc/stat, field "steal"; proc(5)). A run
/// that lost much of it measured the neighbours: seen here, a bare socket at a tenth of its rate.
/// </summary>
internal sealed class ProcessorSteal
{
    /// <summary>A run that lost more is not judged.</summary>
    public const double ShareMax = 0.05;

    private readonly (long Stolen, long All) _start = Read();

    /// <summary>From 0 to 1, since this object was made; 0 where the system does not tell.</summary>
    public double Share
    {
        get
        {
            var (stolen, all) = Read();
            return all > _start.All ? (stolen - _start.Stolen) / (double)(all - _start.All) : 0;
        }
    }

    private static (long Stolen, long All) Read()
    {
        if (!File.Exists("/proc/stat"))
        {
            return default;
        }

        // "cpu user nice system idle iowait irq softirq steal guest guest_nice"; guest time is part of user time.
        var ticks = File.ReadLines("/proc/stat").First()
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Skip(1)
            .Take(8)
            .Select(field => long.Parse(field, CultureInfo.InvariantCulture))
            .ToArray();
        return (ticks[7], ticks.Sum());
    }
}
