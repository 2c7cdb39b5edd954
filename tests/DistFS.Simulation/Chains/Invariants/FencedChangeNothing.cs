namespace DistFS.Simulation.Chains;

/// <summary>A write of a version below that of the server's disk is refused.</summary>
internal sealed class FencedChangeNothing : ChainInvariant
{
    /// <inheritdoc/>
    public override string Name => "a fenced version changes nothing";

    /// <summary>A write was answered.</summary>
    /// <param name="machine">Where.</param>
    /// <param name="version">In which version it was sent.</param>
    /// <param name="known">The version on the disk when it came; 0 for none.</param>
    /// <param name="wasTaken">Whether it was taken.</param>
    public void Check(string machine, uint version, uint known, bool wasTaken) =>
        Must(!wasTaken || version >= known, $"{machine} is in v{known}, and takes a write of v{version}");
}
