"""Small good files of each kind of Enedis, for tests to damage."""

import json

PRM = "09876543210123"
PDC = "<PDC><H>2026-01-15T{0:02}:30:00+01:00</H><V>{0}</V><IV>0</IV></PDC>\n"
POINT = '<Donnees_Point_Mesure Horodatage="2026-01-15T{0:02}:10:00+01:00" Valeur_Point="{0}" Statut_Point="R"/>\n'
SEEDS = {
    "R50": f"<R50><PRM><Id_PRM>{PRM}</Id_PRM><Donnees_Releve>\n"
    + "".join(PDC.format(n) for n in range(9)) + "</Donnees_Releve></PRM></R50>",
    "R4x": f"<Courbe><Corps><Identifiant_PRM>{PRM}</Identifiant_PRM><Donnees_Courbe><Granularite>10"
    "</Granularite><Unite_Mesure>kW</Unite_Mesure><Grandeur_Physique>EA</Grandeur_Physique>\n"
    + "".join(POINT.format(n) for n in range(9)) + "</Donnees_Courbe></Corps></Courbe>",
    "R151": f"<R151><PRM><Id_PRM>{PRM}</Id_PRM><Donnees_Releve><Date_Releve>2026-01-15</Date_Releve>"
    "<Classe_Temporelle><Id_Classe_Temporelle>HP</Id_Classe_Temporelle><Rang_Cadran>1</Rang_Cadran>"
    "<Valeur>7</Valeur></Classe_Temporelle><Puissance_Maximale><Valeur>3</Valeur></Puissance_Maximale>"
    "</Donnees_Releve></PRM></R151>",
    "R15": f"<R15><PRM><Id_PRM>{PRM}</Id_PRM><Donnees_Releve><Date_Releve>2026-01-15T00:01:00+01:00"
    "</Date_Releve><Date_Releve_Precedent>2026-01-01T00:00:00+01:00</Date_Releve_Precedent>"
    "<Classe_Temporelle_Distributeur><Id_Classe_Temporelle>HP</Id_Classe_Temporelle><Classe_Mesure>2"
    "</Classe_Mesure><Unite_Mesure>kWh</Unite_Mesure><Sens_Mesure>0</Sens_Mesure><Valeur>7</Valeur>"
    "</Classe_Temporelle_Distributeur></Donnees_Releve></PRM></R15>",
    "R171": "<R171><serieMesuresDatees><prmId>09876543210123</prmId><grandeurMetier>CONS</grandeurMetier>"
    "<grandeurPhysique>EA</grandeurPhysique><typeCalendrier>D</typeCalendrier><codeClasseTemporelle>P"
    "</codeClasseTemporelle><unite>Wh</unite><mesureDatee><dateFin>2026-01-15T02:37:56</dateFin>"
    "<valeur>7</valeur></mesureDatee></serieMesuresDatees></R171>",
    "v3": f"<consulterMesuresDetailleesResponseV3><pointId>{PRM}</pointId><grandeur><grandeurMetier>CONS"
    "</grandeurMetier><grandeurPhysique>PA</grandeurPhysique><unite>W</unite><points><v>7</v>"
    "<d>2026-01-15 00:30:00</d><p>PT30M</p><n>B</n></points></grandeur>"
    "</consulterMesuresDetailleesResponseV3>",
    "AHC": f"<consulterMesuresResponse><pointId>{PRM}</pointId><seriesMesuresDateesGrilleTurpe><serie>"
    '<grandeurPhysique code="EA"/><classeTemporelle code="HP"/><unite>kWh</unite><mesure><valeur>-7</valeur>'
    "<dateDebut>2026-01-01</dateDebut><dateFin>2026-02-01</dateFin></mesure></serie>"
    "</seriesMesuresDateesGrilleTurpe></consulterMesuresResponse>",
    "Data Connect": json.dumps({"idPrm": PRM, "etapeMetier": "BRUT", "grandeur": [{
        "grandeurMetier": "CONS", "grandeurPhysique": "PA", "unite": "W",
        "points": [{"v": "7", "d": f"2026-01-15 {n:02}:30:00", "p": "PT30M"} for n in range(9)]}]}),
    "R6x": json.dumps({"header": {"codeFlux": "R64"}, "mesures": [{"idPrm": PRM, "contexte": [{
        "grandeur": [{"grandeurMetier": "CONS", "grandeurPhysique": "EA", "unite": "Wh", "calendrier": [
            {"idCalendrier": "DI1", "classeTemporelle": [{"idClasseTemporelle": "HP", "valeur": [
                {"d": "2026-01-15 00:00:00", "v": 7, "iv": 0}]}]}]}]}]}] * 3}),
    "index": "Identifiant PRM;Type de donnees;Date de debut;Date de fin;Grandeur physique;Grandeur metier;"
    f"Etape metier;Unite\n{PRM};Index;01/01/2026;31/12/2026;Energie active;Consommation;Brut;\n"
    "Horodate;Type de releve;EAS F1;EAS D1;EAS T\n2026-01-15T23:00:00+01:00;Arrêté quotidien;1;1;1\n"
    "Periode;x\nDu 2026-01-01T00:00:00+01:00 au;FC1;Base;HP;;EAS F1;DI1;x;HP;;EAS D1\n",
    "curve": "Identifiant PRM;Type de donnees;Date de debut;Date de fin;Grandeur physique;Grandeur metier;"
    f"Etape metier;Unite;Pas en minutes\n{PRM};Courbe de charge;01/01/2026;31/12/2026;Energie active;"
    "Consommation;Brut;W;\nHorodate;Valeur\n"
    + "".join(f"2026-01-15T{n:02}:{m}:00+01:00;{n}\n" for n in range(1, 20) for m in ("00", "30")),
}  # fmt: skip
